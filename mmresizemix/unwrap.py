"""The model inside of what wraps it for several GPUs."""
from typing import Any

from mmengine.model import is_model_wrapper


def unwrapped(model: Any) -> Any:
    """``model`` itself, where DistributedDataParallel or the like is around it."""
    return model.module if is_model_wrapper(model) else model
