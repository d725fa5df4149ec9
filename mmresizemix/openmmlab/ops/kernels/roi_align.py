"""RoIAlign, on torchvision's kernel."""
from torch import Tensor

from .common import computable, torchvision_ops


def roi_align_forward(input: Tensor, rois: Tensor, output: Tensor, argmax_y: Tensor,
                      argmax_x: Tensor, aligned_height: int, aligned_width: int,
                      spatial_scale: float, sampling_ratio: int, pool_mode: int,
                      aligned: bool) -> None:
    """Write RoIAlign by averaging into ``output`` (K, C, aligned_height, aligned_width)."""
    _average_only(pool_mode)
    output.copy_(torchvision_ops().roi_align(
        computable(input), computable(rois), spatial_scale, aligned_height, aligned_width,
        sampling_ratio, aligned))


def roi_align_backward(grad_output: Tensor, rois: Tensor, argmax_y: Tensor, argmax_x: Tensor,
                       grad_input: Tensor, aligned_height: int, aligned_width: int,
                       spatial_scale: float, sampling_ratio: int, pool_mode: int,
                       aligned: bool) -> None:
    """Write the gradient of :func:`roi_align_forward` into ``grad_input`` (N, C, H, W)."""
    _average_only(pool_mode)
    grad_input.copy_(torchvision_ops()._roi_align_backward(
        computable(grad_output), computable(rois), spatial_scale, aligned_height, aligned_width,
        *grad_input.shape, sampling_ratio, aligned))


def _average_only(pool_mode: int) -> None:
    if pool_mode != 1:
        raise NotImplementedError("RoIAlign with pool_mode='max' needs mmcv's compiled ops; "
                                  "torchvision's kernel only averages")
