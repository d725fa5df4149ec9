"""The three ops of mmcv that SSD and Faster R-CNN call, on torchvision's kernels. The signatures
are those of ``mmcv._ext``."""
import torch
from torch import Tensor


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
