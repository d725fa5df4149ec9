"""Reading and changing parts of MMEngine's configs: sections that may be missing, and names of
classes that may be classes themselves."""
from collections.abc import Mapping
from typing import Any


def section(config: Any, name: str) -> Any:
    """Return the section ``name`` of a config. If it is missing or None, an empty one is put there.

    MMEngine's ``Config.setdefault`` stores a copy of what it is given, so that changes of what it
    returns are lost.
    """
    if config.get(name) is None:
        config[name] = {}
    return config[name]


def dict_in(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the section ``name`` of a config, or an empty one if there is none or it is something
    else. The config stays as it is."""
    found = config.get(name)
    return found if isinstance(found, dict) else {}


def type_in(settings: Any) -> str:
    """Return the ``type`` in settings that were read from a file, or '' if it is not a text."""
    found = settings.get('type') if isinstance(settings, Mapping) else None
    return found if isinstance(found, str) else ''


def class_of(settings: Any) -> str:
    """Return the name of the class that ``settings`` build, without its package, or '' if they name
    none. MMEngine's pure Python configs hold the class itself instead of its name."""
    return full_class_of(settings).rpartition('.')[2]


def full_class_of(settings: Any) -> str:
    """Return the name of the class that ``settings`` build, as the config gives it, or '' if they
    name none."""
    found = settings.get('type') or ''
    return found if isinstance(found, str) else f'{found.__module__}.{found.__name__}'


def datasets_inside(dataset: Mapping[str, Any]) -> list[Any]:
    """Return the configs of the data sets that one holds, e.g. a repeated one or several that are
    joined."""
    one, several = dataset.get('dataset'), dataset.get('datasets')
    return [*([one] if isinstance(one, Mapping) else []),
            *(several if isinstance(several, (list, tuple)) else [])]
