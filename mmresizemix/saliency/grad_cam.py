"""Grad-CAM (arXiv 1610.02391) of the model that is being trained (ResizeMix, Sec. 3.1)."""
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .model import ModelSaliency, asking, logits, no_such_layer


class GradCAM(ModelSaliency):
    r"""A saliency that says where a classifier sees the picture's own label.

    .. math::
        A = ReLU(\sum_k w_k A^k), \quad
        w_k = \frac{1}{hw} \sum_{x, y} \frac{\partial y^c}{\partial A^k(x, y)}

    A^k are the maps of one layer, and y^c is the score of the label (for soft labels, the weighted
    sum of the scores). The result is resized to the picture's size, bilinearly. The model runs in
    evaluation mode. This affects neither the gradients nor the statistics of the training step. It
    costs a forward pass, and a backward pass down to the layer.

    Args:
        layer (str): the dotted name of a module. If the module returns several outputs, the last
            is used. Defaults to 'backbone', "the end of the backbone network" (Sec. 3.1).
    """

    def __init__(self, layer: str = 'backbone'):
        super().__init__()
        self.layer = layer

    def attach(self, model: nn.Module) -> None:
        """Attach the model.

        Raises:
            ValueError: the model has no such layer.
        """
        if self.layer not in dict(model.named_modules()):
            raise ValueError(f'GradCAM: {no_such_layer(model, self.layer)}')
        super().attach(model)

    def __call__(self, inputs: Tensor, scores: Tensor) -> Tensor:
        """Compute the saliency of pictures for their labels.

        Args:
            inputs: (N, C, H, W), as the model receives them.
            scores: (N, num_classes) float labels.

        Returns:
            (N, H, W) float32 on the CPU, at least 0.
        """
        maps = []

        def keep(module: nn.Module, args: Any, output: Any) -> Any:
            several = isinstance(output, (tuple, list))
            maps.append((output[-1] if several else output).detach().requires_grad_())
            # The layers after this one are recorded, until the end of no_grad below restores the
            # mode. The layers before it need no gradient.
            torch.set_grad_enabled(True)
            return (*output[:-1], maps[-1]) if several else maps[-1]

        handle = self.model.get_submodule(self.layer).register_forward_hook(keep)
        try:
            with asking(self.model):
                with torch.no_grad():
                    y = (logits(self.model, inputs).float() * scores).sum()
                gradient, = torch.autograd.grad(y, maps[0])
        finally:
            handle.remove()
        # In float32, since the model may run in half precision.
        A = maps[0].detach().float()
        w = gradient.float().mean((2, 3), keepdim=True)
        # The weighted sum of the maps, at the size of the picture.
        cam = F.relu((w * A).sum(1, keepdim=True))
        return F.interpolate(cam, inputs.shape[-2:], mode='bilinear',
                             align_corners=False)[:, 0].cpu()

    def __repr__(self) -> str:
        return f'GradCAM(layer={self.layer!r})'
