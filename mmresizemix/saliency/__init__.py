"""Saliencies, which say where a picture is salient. They use the model that is being trained, or
contrast alone.

A saliency is a function that maps pictures (N, C, H, W) and float labels (N, num_classes) to maps
(N, H, W), float32 on the CPU. Its ``attach(model)`` receives the classifier.
"""
from collections.abc import Callable, Mapping
from typing import Any

from .fine_grained import FineGrained
from .grad_cam import GradCAM
from .input_gradient import InputGradient

__all__ = ['FineGrained', 'GradCAM', 'InputGradient', 'build_saliency']
KINDS = {kind.__name__: kind for kind in (FineGrained, GradCAM, InputGradient)}


def build_saliency(saliency: Mapping[str, Any] | Callable) -> Callable:
    """Build a saliency from its config, or return it as it is.

    Args:
        saliency: a dict such as ``dict(type='GradCAM', layer='backbone.layer4')``, or a saliency.

    Raises:
        ValueError: ``saliency`` is neither.
    """
    if not isinstance(saliency, Mapping):
        if callable(saliency) and hasattr(saliency, 'attach'):
            return saliency
    elif saliency.get('type') in KINDS:
        settings = {k: v for k, v in saliency.items() if k != 'type'}
        return KINDS[saliency['type']](**settings)
    raise ValueError('saliency: expected a function with attach(), or a dict with type one of '
                     f'{", ".join(map(repr, KINDS))}, got {saliency!r}')
