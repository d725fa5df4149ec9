"""Saliency by the gradient of a classifier's loss (Puzzle Mix, arXiv 2009.06962, Sec. 4)."""
import torch
import torch.nn.functional as F
from torch import Tensor

from .model import ModelSaliency, asking, logits


class InputGradient(ModelSaliency):
    """A saliency that is the norm, over the channels, of the loss's gradient at each pixel.

    The loss is the cross entropy of the picture's own label. The model runs in evaluation mode.
    This affects neither the gradients nor the statistics of the training step. It costs a forward
    pass and a backward pass.
    """

    def __call__(self, inputs: Tensor, scores: Tensor) -> Tensor:
        """Compute the saliency of pictures for their labels.

        Args:
            inputs: (N, C, H, W), as the model receives them.
            scores: (N, num_classes) float labels.

        Returns:
            (N, H, W) float32 on the CPU, at least 0.
        """
        pixels = inputs.detach().clone().requires_grad_()
        with asking(self.model), torch.enable_grad():
            # Summed, not averaged: a picture's gradient must not depend on the size of the batch.
            loss = F.cross_entropy(logits(self.model, pixels).to(scores), scores, reduction='sum')
            gradient, = torch.autograd.grad(loss, pixels)
        return gradient.float().norm(dim=1).cpu()

    def __repr__(self) -> str:
        return 'InputGradient()'
