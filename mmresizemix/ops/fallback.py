"""A stand-in for ``mmcv._ext``, the compiled half of mmcv.

mmcv publishes no wheel with compiled ops for current PyTorch, and without them ``import
mmdet.models`` fails. SSD and Faster R-CNN call three: ``nms``, ``roi_align_forward`` and
``roi_align_backward``. torchvision ships the same kernels. The finder below is *appended* to
``sys.meta_path``, so that a real ``mmcv._ext`` is always preferred. Any other op raises only when
it is called, since mmcv looks up every name at import.
"""
import importlib.machinery
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

import torch
from torch import Tensor

EXT = 'mmcv._ext'


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Return the indices of the kept boxes, best first. With ``offset`` 1, x2 and y2 are inside the
    box."""
    import torchvision
    # Sides are x2 - x1 + offset, which is the same as moving the far corner.
    if offset:
        boxes = boxes + boxes.new_tensor([0, 0, offset, offset])
    return torchvision.ops.nms(boxes, scores, iou_threshold)


def roi_align_forward(input: Tensor, rois: Tensor, output: Tensor, argmax_y: Tensor,
                      argmax_x: Tensor, aligned_height: int, aligned_width: int,
                      spatial_scale: float, sampling_ratio: int, pool_mode: int,
                      aligned: bool) -> None:
    """Write RoIAlign by averaging into ``output`` (K, C, aligned_height, aligned_width)."""
    _average_only(pool_mode)
    import torchvision  # noqa: F401  registers torch.ops.torchvision
    output.copy_(
        torch.ops.torchvision.roi_align(_computable(input), _computable(rois), spatial_scale,
                                        aligned_height, aligned_width, sampling_ratio, aligned))


def roi_align_backward(grad_output: Tensor, rois: Tensor, argmax_y: Tensor, argmax_x: Tensor,
                       grad_input: Tensor, aligned_height: int, aligned_width: int,
                       spatial_scale: float, sampling_ratio: int, pool_mode: int,
                       aligned: bool) -> None:
    """Write the gradient of :func:`roi_align_forward` into ``grad_input`` (N, C, H, W)."""
    _average_only(pool_mode)
    import torchvision  # noqa: F401
    grad_input.copy_(
        torch.ops.torchvision._roi_align_backward(
            _computable(grad_output), _computable(rois), spatial_scale, aligned_height,
            aligned_width, *grad_input.shape, sampling_ratio, aligned))


def _computable(values: Tensor) -> Tensor:
    """Return ``values`` in float32 if they are in half precision on the CPU, which not all of
    torchvision's CPU kernels support."""
    known = values.is_cuda or values.dtype not in (torch.bfloat16, torch.float16)
    return values if known else values.float()


def _average_only(pool_mode: int) -> None:
    if pool_mode != 1:
        raise NotImplementedError("RoIAlign with pool_mode='max' needs mmcv's compiled ops; "
                                  "torchvision's kernel only averages")


def _unavailable(name: str) -> Callable:

    def op(*args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError(
            f'mmcv.ops: {name} needs the compiled ops of mmcv, which are not installed. '
            'mmresizemix stands in for nms and roi_align only. Build mmcv with its ops: '
            'https://mmcv.readthedocs.io/en/latest/get_started/build.html')

    op.__name__ = name
    return op


class _TorchvisionExt(ModuleType):
    """The module that mmcv gets as ``mmcv._ext``. Three ops work, any other raises an error."""

    def __getattr__(self, name: str) -> Any:
        # Python's import system looks for such names, which are not ops.
        if name.startswith('__'):
            raise AttributeError(name)
        return _unavailable(name)


class _FallbackFinder:
    """A finder for ``mmcv._ext`` alone. It is also the loader of what it finds."""

    @classmethod
    def find_spec(cls, name: str, path: Any = None, target: Any = None) -> Any:
        loader: Any = cls
        return importlib.machinery.ModuleSpec(name, loader) if name == EXT else None

    @staticmethod
    def create_module(spec: Any) -> ModuleType:
        return _TorchvisionExt(spec.name, __doc__)

    @staticmethod
    def exec_module(module: Any) -> None:
        module.nms = nms
        module.roi_align_forward = roi_align_forward
        module.roi_align_backward = roi_align_backward


def install_fallback() -> None:
    """Let ``import mmcv._ext`` succeed if no compiled one exists. A second call changes nothing."""
    if _FallbackFinder not in sys.meta_path:
        sys.meta_path.append(_FallbackFinder)
