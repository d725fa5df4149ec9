"""Reading and changing parts of MMEngine's configs: sections that may be missing, options of a
command line, and names of classes that may be classes themselves."""
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

ALIKE = 0.85  # of two names (difflib); one is then taken for a slip of the pen


def section(config: Any, name: str) -> Any:
    """Return the section ``name`` of a config. If it is missing or None, an empty one is put there.

    MMEngine's ``Config.setdefault`` stores a copy of what it is given, so that changes of what it
    returns are lost.
    """
    if config.get(name) is None:
        config[name] = {}
    return config[name]


def merge_options(config: Any, options: Mapping[str, Any] | None) -> list[str]:
    """Override settings of a config by their dotted names, as ``Config.merge_from_dict`` does.

    Returns:
        The names of the settings that the config did not have.

    Raises:
        ValueError: a name leads through a list without a position or through a value that has no
            settings, the config has a setting of almost this name, or one of two options is a part
            of the other.
    """
    options = dict(options or {})
    for name in options:
        inside = [other for other in options if other.startswith(f'{name}.')]
        if inside:
            raise ValueError(f'{inside[0]} is a part of {name}; give one of both')
    # MMEngine replaces a section that is given _delete_, so what is in it now does not matter.
    replaced = tuple(name.removesuffix('_delete_') for name in options
                     if name.endswith('._delete_'))
    new = [name for name in options
           if not name.startswith(replaced) and not _has_setting(config, name)]
    config.merge_from_dict(options)
    return new


def _has_setting(config: Any, name: str) -> bool:
    at, path = config, name.split('.')
    for i, key in enumerate(path):
        before, rest = '.'.join(path[:i]), '.'.join(path[i:])
        if isinstance(at, (list, tuple)):
            if not key.isdigit() or int(key) >= len(at):
                written = ' '.join(f'{before}.{n}.{rest}=...' for n in range(len(at)))
                raise ValueError(f'{name}: {before} is a list of {len(at)}; give positions, as in '
                                 f'{written}' if at else f'{name}: {before} is an empty list')
            at = at[int(key)]
        elif hasattr(at, 'keys'):
            if key not in at:
                near = get_close_matches(key, map(str, at.keys()), 1, ALIKE)
                if near:
                    raise ValueError(f'{name}: {before or "the config"} has no {key!r}; write '
                                     f'{near[0]!r}, or put the setting into a config of your own')
                return False
            at = at[key]
        else:
            raise ValueError(f'{name}: {before} is {at!r} and has no settings; put the setting '
                             'into a config of your own')
    return True


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


def built_class(settings: Any, registry: Any, scope: str | None) -> Any:
    """Return the class that ``settings`` build, or None if MMEngine's ``registry`` has none of this
    name in ``scope``."""
    if not isinstance(settings['type'], str):
        return settings['type']
    with registry.switch_scope_and_registry(scope) as found:
        return found.get(settings['type'])


def datasets_inside(dataset: Mapping[str, Any]) -> list[Any]:
    """Return the configs of the data sets that one holds, e.g. a repeated one or several that are
    joined."""
    one, several = dataset.get('dataset'), dataset.get('datasets')
    return [*([one] if isinstance(one, Mapping) else []),
            *(several if isinstance(several, (list, tuple)) else [])]


def leaf_settings(dataset: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the configs of the data sets that read pictures, inside of others."""
    inside = datasets_inside(dataset)
    if not inside:
        yield dataset
    for one in inside:
        yield from leaf_settings(one)
