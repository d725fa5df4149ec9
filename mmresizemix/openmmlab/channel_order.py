"""The order in which the pipelines of MMPretrain hand over the channels of a picture."""
from collections.abc import Mapping
from typing import Any

from .config_parts import datasets_inside

# The steps that can reverse the channels, whatever their order is: (the setting, its default).
REVERSING = {'NumpyToPIL': ('to_rgb', False), 'ToPIL': ('to_rgb', False),
             'PILToNumpy': ('to_bgr', False), 'ToNumpy': ('to_bgr', False),
             'Lighting': ('to_rgb', False), 'Normalize': ('to_rgb', True)}


def red_first(dataset: Mapping[str, Any]) -> bool | None:
    """Whether pictures leave the pipeline of a data set with the red channel first.

    Those of MMPretrain's CIFAR data sets begin so, and those that OpenCV or Pillow has loaded do
    not. Then each step that reverses the channels counts.

    Args:
        dataset: the config of the data set, which may hold others, e.g. a repeated one or several.

    Returns:
        The answer, or None if it is not the same for all pictures.
    """
    inside = datasets_inside(dataset)
    begins = {red_first(one) if isinstance(one, Mapping) else None for one in inside}
    found = begins.pop() if inside else _name(dataset).startswith('CIFAR')
    reversing = [_reverses(step) for step in _listed(dataset.get('pipeline'))]
    if begins or found is None or None in reversing:
        return None
    return found != (sum(map(bool, reversing)) % 2 == 1)


def _reverses(step: Any) -> bool | None:
    """Whether a step reverses the channels, or None if steps inside of it do."""
    if isinstance(step, (list, tuple)):  # some steps hold lists of steps
        return None if any(_reverses(one) is not False for one in step) else False
    if not isinstance(step, Mapping):
        return False
    if _reverses(_listed(step.get('transforms'))) is None:
        return None
    setting, default = REVERSING.get(_name(step), ('', False))
    return bool(step.get(setting, default))


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _name(settings: Mapping[str, Any]) -> str:
    return str(settings.get('type')).rpartition('.')[2]
