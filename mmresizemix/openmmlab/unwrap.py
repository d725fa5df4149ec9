"""A function that returns the model inside a wrapper for several GPUs."""
from typing import Any

from mmengine.model import is_model_wrapper


def unwrapped(model: Any) -> Any:
    """Return the model inside DistributedDataParallel or a similar wrapper, or ``model`` if it has
    none."""
    return model.module if is_model_wrapper(model) else model
