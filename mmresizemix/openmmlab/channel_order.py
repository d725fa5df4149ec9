"""The order in which the pipelines of MMPretrain hand over the channels of a picture."""
from collections.abc import Mapping
from typing import Any


def red_first(dataset: Mapping[str, Any]) -> bool:
    """Whether pictures leave the pipeline of a data set with the red channel first.

    Those of MMPretrain's CIFAR data sets begin so, and those that OpenCV or Pillow has loaded do
    not. A step ``PILToNumpy`` sets the order.

    Args:
        dataset: the config of the data set, which may be inside others, e.g. a repeated one.
    """
    while isinstance(dataset.get('dataset'), Mapping):
        dataset = dataset['dataset']
    found = _name(dataset).startswith('CIFAR')
    for step in dataset.get('pipeline') or ():
        if isinstance(step, Mapping) and _name(step) == 'PILToNumpy':
            found = not step.get('to_bgr', False)
    return found


def _name(settings: Mapping[str, Any]) -> str:
    return str(settings.get('type')).rpartition('.')[2]
