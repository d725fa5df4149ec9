"""A config whose text is formatted only once."""
from mmengine.config import Config


class FormattedOnce(Config):
    """MMEngine's config with a text that is kept until a value changes.

    yapf takes a second or more to format a config. MMEngine needs the text in its log, in
    ``vis_data``, in the work dir, and at each checkpoint, which takes a quarter of a short run's
    time.
    """

    @classmethod
    def of(cls, config: Config) -> 'FormattedOnce':
        """Return a config that shares the values of ``config``."""
        ours = cls.__new__(cls)
        ours.__setstate__(config.__getstate__())
        return ours

    @property
    def pretty_text(self) -> str:
        """The config as the text of a Python file."""
        # The repr tells whether a value has changed.
        values = repr(self.to_dict())
        known, text = self.__dict__.get('_formatted', (None, ''))
        if values != known:
            text = super().pretty_text
            # setattr would set a value of the config instead.
            self.__dict__['_formatted'] = values, text
        return text
