"""A config whose text is formatted once."""
from mmengine.config import Config


class FormattedOnce(Config):
    """MMEngine's config, which remembers its text as long as its values stay.

    yapf takes a second or more to format a config, and MMEngine asks for the text in its log, in
    ``vis_data``, in the work dir, and at each checkpoint: a quarter of the time of a short run.
    """

    @classmethod
    def of(cls, config: Config) -> 'FormattedOnce':
        """``config``, sharing its values."""
        ours = cls.__new__(cls)
        ours.__setstate__(config.__getstate__())
        return ours

    @property
    def pretty_text(self) -> str:
        """As a Python file."""
        values = repr(self.to_dict())
        known, text = self.__dict__.get('_formatted', (None, ''))
        if values != known:
            text = super().pretty_text
            self.__dict__['_formatted'] = values, text  # setattr would set a value of the config
        return text
