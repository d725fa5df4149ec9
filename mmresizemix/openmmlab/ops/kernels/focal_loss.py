"""The sigmoid focal loss (Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017), in
PyTorch.

With y = 1 for the class of a row and y = -1 for the other classes: x_t = y x, p_t = σ(x_t), and
α_t is α or 1 - α.
"""
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from .common import at_least_single


def sigmoid_focal_loss_forward(input: Tensor, target: Tensor, weight: Tensor, output: Tensor,
                               gamma: float, alpha: float) -> None:
    """Write FL = -α_t (1 - p_t)^γ log p_t (equation 5) into ``output`` (N, C).

    Args:
        input: the logits x (N, C).
        target: the class of each row (N,). A row of class C is background.
        weight: the factor of each class (C,), by which the rows of that class are multiplied. It
            may be empty.
    """
    _, x_t, alpha_t = _signs(input, target, weight, alpha)
    output.copy_(-alpha_t * (-x_t).sigmoid()**gamma * logsigmoid(x_t))


def sigmoid_focal_loss_backward(input: Tensor, target: Tensor, weight: Tensor, grad_input: Tensor,
                                gamma: float, alpha: float) -> None:
    """Write dFL/dx = α_t y (1 - p_t)^γ (γ p_t log p_t + p_t - 1) (appendix B) into ``grad_input``
    (N, C). The other arguments are those of :func:`sigmoid_focal_loss_forward`."""
    y, x_t, alpha_t = _signs(input, target, weight, alpha)
    other = (-x_t).sigmoid()  # 1 - p_t
    grad_input.copy_(alpha_t * y * other**gamma
                     * (gamma * x_t.sigmoid() * logsigmoid(x_t) - other))


def _signs(input: Tensor, target: Tensor, weight: Tensor,
           alpha: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return (y, x_t, α_t), where α_t includes the weight."""
    x = at_least_single(input)
    is_class = target[:, None] == torch.arange(x.shape[1], device=x.device)
    y = is_class.to(x) * 2 - 1
    alpha_t = alpha * y + (1 - y) / 2  # α where y = 1, 1 - α where y = -1
    if weight.numel():
        if (target >= len(weight)).any():
            raise ValueError(f'sigmoid_focal_loss: weight has values for classes 0 to '
                             f'{len(weight) - 1}, but a target is {int(target.max())}, the '
                             'background; leave the weight out')
        alpha_t = alpha_t * weight.to(x)[target][:, None]
    return y, y * x, alpha_t
