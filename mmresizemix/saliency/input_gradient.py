"""How strongly a classifier's loss reacts to each pixel (Puzzle Mix, arXiv 2009.06962, Sec. 4)."""
import torch
import torch.nn.functional as F
from torch import Tensor

from .model import ModelSaliency, asking, logits


class InputGradient(ModelSaliency):
    """The length, over the channels, of the loss's gradient at each pixel; the loss is the cross
    entropy of the picture's own label. Asks in evaluation mode; neither gradients nor statistics
    of the training step see it. It costs a forward and a backward pass."""

    def __call__(self, inputs: Tensor, scores: Tensor) -> Tensor:
        """
        Args:
            inputs: (N, C, H, W), as the model gets them.
            scores: (N, num_classes) float labels.

        Returns:
            (N, H, W) float32 on the CPU, at least 0.
        """
        pixels = inputs.detach().clone().requires_grad_()
        with asking(self.model), torch.enable_grad():
            loss = F.cross_entropy(logits(self.model, pixels).to(scores), scores, reduction='sum')
            gradient, = torch.autograd.grad(loss, pixels)
        return gradient.float().norm(dim=1).cpu()

    def __repr__(self) -> str:
        return 'InputGradient()'
