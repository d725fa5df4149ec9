"""Multi-scale deformable attention (Zhu et al., "Deformable DETR", ICLR 2021, equation 3), by the
PyTorch form that mmcv has for the CPU."""
import torch
from torch import Tensor

from .common import computable


def ms_deform_attn_forward(value: Tensor, value_spatial_shapes: Tensor,
                           value_level_start_index: Tensor, sampling_locations: Tensor,
                           attention_weights: Tensor, im2col_step: int) -> Tensor:
    """Return the attended values (B, Q, M D).

    Args:
        value: the pixels of all L levels, in M heads of D channels (B, Σ H_l W_l, M, D).
        value_spatial_shapes: (H_l, W_l) of each level (L, 2).
        sampling_locations: K points (x, y) for each level, as fractions of its size
            (B, Q, M, L, K, 2).
        attention_weights: (B, Q, M, L, K).
    """
    return _attend(value, value_spatial_shapes, sampling_locations, attention_weights).to(value)


def ms_deform_attn_backward(value: Tensor, value_spatial_shapes: Tensor,
                            value_level_start_index: Tensor, sampling_locations: Tensor,
                            attention_weights: Tensor, grad_output: Tensor, grad_value: Tensor,
                            grad_sampling_loc: Tensor, grad_attn_weight: Tensor,
                            im2col_step: int) -> None:
    """Write the gradients of :func:`ms_deform_attn_forward`."""
    with torch.enable_grad():
        value, sampling_locations, attention_weights = inputs = [
            tensor.detach().requires_grad_()
            for tensor in (value, sampling_locations, attention_weights)
        ]
        output = _attend(value, value_spatial_shapes, sampling_locations, attention_weights)
    grads = torch.autograd.grad(output, inputs, grad_output.to(output))
    for into, grad in zip((grad_value, grad_sampling_loc, grad_attn_weight), grads):
        into.copy_(grad)


def _attend(value: Tensor, shapes: Tensor, locations: Tensor, weights: Tensor) -> Tensor:
    from mmcv.ops.multi_scale_deform_attn import multi_scale_deformable_attn_pytorch
    # As numbers, the shapes are copied from the GPU once, and not for each level.
    return multi_scale_deformable_attn_pytorch(computable(value), shapes.tolist(),
                                               computable(locations), computable(weights))
