"""Deformable convolution, on torchvision's kernel.

Version 1 is Dai et al., "Deformable Convolutional Networks", ICCV 2017; version 2, which has a mask
m, is Zhu et al., "Deformable ConvNets v2", CVPR 2019. Where the kernel's taps are p_k:

    y(p) = Σ_k w_k · x(p + p_k + Δp_k) · m_k    (version 2, equation 1)

In mmcv and in torchvision, the channels of the offset are (Δy, Δx) for each tap, for each group of
input channels that share their offsets. ``im2col_step`` and the buffers ``columns`` and ``ones``
only matter to mmcv's own kernels.
"""
from torch import Tensor

from .common import computable, torchvision_ops

Geometry = tuple[int, int, int, int, int, int, int, int]


def deform_conv_forward(input: Tensor, weight: Tensor, offset: Tensor, output: Tensor,
                        columns: Tensor, ones: Tensor, kW: int, kH: int, dW: int, dH: int,
                        padW: int, padH: int, dilationW: int, dilationH: int, group: int,
                        deformable_group: int, im2col_step: int) -> None:
    """Write version 1 of ``input`` (B, C_in, H, W) into ``output`` (B, C_out, H_out, W_out)."""
    geometry = (dH, dW, padH, padW, dilationH, dilationW, group, deformable_group)
    output.copy_(_convolve(input, weight, offset, None, None, geometry))


def deform_conv_backward_input(input: Tensor, offset: Tensor, gradOutput: Tensor, gradInput: Tensor,
                               gradOffset: Tensor, weight: Tensor, columns: Tensor, kW: int,
                               kH: int, dW: int, dH: int, padW: int, padH: int, dilationW: int,
                               dilationH: int, group: int, deformable_group: int,
                               im2col_step: int) -> None:
    """Write the gradients of version 1 by its input and its offset."""
    geometry = (dH, dW, padH, padW, dilationH, dilationW, group, deformable_group)
    grads = _gradients(gradOutput, input, weight, offset, None, None, geometry)
    gradInput.copy_(grads[0])
    gradOffset.copy_(grads[2])


def deform_conv_backward_parameters(input: Tensor, offset: Tensor, gradOutput: Tensor,
                                    gradWeight: Tensor, columns: Tensor, ones: Tensor, kW: int,
                                    kH: int, dW: int, dH: int, padW: int, padH: int, dilationW: int,
                                    dilationH: int, group: int, deformable_group: int, scale: float,
                                    im2col_step: int) -> None:
    """Add ``scale`` times the gradient of version 1 by its weight to ``gradWeight``."""
    geometry = (dH, dW, padH, padW, dilationH, dilationW, group, deformable_group)
    # The convolution is linear in its weight, so that this gradient is the same for any weight.
    grads = _gradients(gradOutput, input, gradWeight, offset, None, None, geometry)
    gradWeight.add_(grads[1], alpha=scale)


def modulated_deform_conv_forward(input: Tensor, weight: Tensor, bias: Tensor, ones: Tensor,
                                  offset: Tensor, mask: Tensor, output: Tensor, columns: Tensor,
                                  kernel_h: int, kernel_w: int, stride_h: int, stride_w: int,
                                  pad_h: int, pad_w: int, dilation_h: int, dilation_w: int,
                                  group: int, deformable_group: int, with_bias: bool) -> None:
    """Write version 2 of ``input`` (B, C_in, H, W) into ``output`` (B, C_out, H_out, W_out)."""
    geometry = (stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, group, deformable_group)
    output.copy_(_convolve(input, weight, offset, mask, bias if with_bias else None, geometry))


def modulated_deform_conv_backward(input: Tensor, weight: Tensor, bias: Tensor, ones: Tensor,
                                   offset: Tensor, mask: Tensor, columns: Tensor,
                                   grad_input: Tensor, grad_weight: Tensor, grad_bias: Tensor,
                                   grad_offset: Tensor, grad_mask: Tensor, grad_output: Tensor,
                                   kernel_h: int, kernel_w: int, stride_h: int, stride_w: int,
                                   pad_h: int, pad_w: int, dilation_h: int, dilation_w: int,
                                   group: int, deformable_group: int, with_bias: bool) -> None:
    """Write all gradients of version 2."""
    geometry = (stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, group, deformable_group)
    grads = _gradients(grad_output, input, weight, offset, mask, bias if with_bias else None,
                       geometry)
    written = [grad_input, grad_weight, grad_offset, grad_mask]
    for into, grad in zip([*written, grad_bias] if with_bias else written, grads):
        into.copy_(grad)


def _convolve(input: Tensor, weight: Tensor, offset: Tensor, mask: Tensor | None,
              bias: Tensor | None, geometry: Geometry) -> Tensor:
    return torchvision_ops().deform_conv2d(*_tensors(input, weight, offset, mask, bias), *geometry,
                                           mask is not None)


def _gradients(grad_output: Tensor, input: Tensor, weight: Tensor, offset: Tensor,
               mask: Tensor | None, bias: Tensor | None,
               geometry: Geometry) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return the gradients by input, weight, offset, mask and bias."""
    return torchvision_ops()._deform_conv2d_backward(
        computable(grad_output), *_tensors(input, weight, offset, mask, bias), *geometry,
        mask is not None)


def _tensors(input: Tensor, weight: Tensor, offset: Tensor, mask: Tensor | None,
             bias: Tensor | None) -> list[Tensor]:
    """Return the tensors as the kernel expects them: with zeros in the place of a missing mask,
    which it ignores, or bias."""
    if mask is None:
        mask = input.new_zeros(len(input), 1)
    if bias is None:
        bias = input.new_zeros(len(weight))
    return [computable(tensor) for tensor in (input, weight, offset, mask, bias)]
