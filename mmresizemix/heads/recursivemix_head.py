"""The classifier's head for RecursiveMix (arXiv 2203.06844), with the consistency loss."""
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from mmpretrain.models.heads import LinearClsHead
from torch import Tensor, nn
from torchvision.ops import roi_align

from ..registry import MODELS

if TYPE_CHECKING:
    from ..batch_augments import RecursiveMix


@MODELS.register_module()
class RecursiveMixHead(LinearClsHead):
    r"""A linear head whose loss also compares what it predicts for the pasted box with what it
    predicted for the same picture one batch before.

    .. math::
        L = L_{CE}(f(\tilde x), \tilde y)
        + \omega \lambda \, KL(p^h \,\|\, softmax \, H(RoIAlign(F(\tilde x), B)))

    F is the backbone, f the classifier, H a linear layer, and p^h, λ and B are those of
    :class:`mmresizemix.RecursiveMix`. RoIAlign pools the box to 1 x 1. The second term is averaged
    over the samples, each with its own λ, and has no gradient into p^h. Where there is no history
    it is 0. The head pools the maps itself, so the model has no neck. It needs no more than these
    settings::

        model = dict(
            neck=None,
            head=dict(type='mmresizemix.RecursiveMixHead', loss=dict(use_soft=True)),
            train_cfg=dict(augments=dict(type='mmresizemix.RecursiveMix')))
        custom_hooks = [dict(type='mmresizemix.AttachModelHook')]

    The authors' code has a linear layer of its own for boxes, unless it is told ``--share_fc``. It
    computes a cross entropy in place of KL, which is larger by the entropy of p^h and has the same
    gradient. Its commands set ω = 0.1 for CIFAR-10, and 0.5 for ImageNet.

    Args:
        num_classes (int): the number of classes.
        in_channels (int): the number of channels of the backbone's last map.
        omega (float): ω, at least 0. Defaults to 0.1.
        share_fc (bool): whether H is the layer that classifies whole pictures. If not, it is
            ``fc_roi``, which only training uses. Defaults to True.
        **kwargs: the settings of mmpretrain's ``LinearClsHead``.

    Raises:
        ValueError: ``omega`` is negative, or in training: no :class:`mmresizemix.RecursiveMix` is
            attached, or the model has a neck.
    """

    def __init__(self, num_classes: int, in_channels: int, omega: float = 0.1,
                 share_fc: bool = True, **kwargs: Any):
        super().__init__(num_classes, in_channels, **kwargs)
        if not omega >= 0:
            raise ValueError(f'RecursiveMixHead: omega: expected a number >= 0, got {omega!r}')
        self.omega = omega
        self.fc_roi = None if share_fc else nn.Linear(in_channels, num_classes)
        self._augment: RecursiveMix | None = None

    def follow(self, augment: 'RecursiveMix') -> None:
        """Follow the augment that mixes the batches. Its ``attach`` calls this."""
        self._augment = augment

    def pre_logits(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return the means (N, in_channels) of the last of ``feats``, (N, in_channels, h, w)."""
        if feats[-1].ndim != 4:
            raise ValueError('RecursiveMixHead: expected maps (N, C, h, w), got shape '
                             f'{tuple(feats[-1].shape)}; set model.neck=None, this head pools')
        return F.adaptive_avg_pool2d(feats[-1], 1).flatten(1)

    def loss(self, feats: tuple[Tensor, ...], data_samples: list, **kwargs: Any) -> dict:
        """Return both terms of the loss, ``loss_ce`` and ``loss_consistency``. MMEngine logs their
        sum as ``loss``."""
        if self._augment is None:
            raise ValueError(
                'RecursiveMixHead: expected a RecursiveMix that mixes the batches, got none. Put '
                "dict(type='mmresizemix.RecursiveMix') into model.train_cfg.augments, and "
                "dict(type='mmresizemix.AttachModelHook') into custom_hooks")
        scores = self(feats)
        losses = self._get_loss(scores, data_samples, **kwargs)
        p = scores.detach().float().softmax(1)
        past = self._augment.exchange(p)
        if past is None:
            # The same operations with λ = 0: under DDP, every step has to use every weight.
            box, lam, size, p_h = torch.zeros(len(p), 4), torch.zeros(len(p)), (1, 1), p
        else:
            mix, p_h = past
            box, lam, size = mix.target, mix.lam, mix.size
            p_h = p_h.to(p)[mix.partner.to(p.device, non_blocking=True)]
        kl = self._kl(feats[-1], box, size, p_h)
        lam = lam.to(kl.dtype).to(kl.device, non_blocking=True)
        return dict(loss_ce=losses.pop('loss'), loss_consistency=self.omega * (lam * kl).mean(),
                    **losses)

    def _kl(self, maps: Tensor, box: Tensor, size: tuple[int, int], p_h: Tensor) -> Tensor:
        """Return (N,) KL(p^h || what is predicted for the boxes of pictures of ``size``)."""
        # Boxes in units of the map's cells, each behind the number of its sample.
        (H, W), (h, w) = size, maps.shape[-2:]
        cells = box * torch.tensor([w / W, h / H, w / W, h / H])
        rois = torch.cat((torch.arange(len(box))[:, None], cells), dim=1)
        # Half precision would move the boxes.
        maps = maps.to(torch.promote_types(maps.dtype, torch.float32))
        rois = rois.to(maps.dtype).to(maps.device, non_blocking=True)
        pooled = roi_align(maps, rois, output_size=1, aligned=True).flatten(1)
        fc = self.fc if self.fc_roi is None else self.fc_roi
        log_q = fc(pooled).float().log_softmax(1)
        return F.kl_div(log_q, p_h, reduction='none').sum(1)
