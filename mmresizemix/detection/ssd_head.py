"""An SSD head that can be evaluated."""
from mmdet.models.dense_heads import SSDHead as MMDetSSDHead

from ..registry import MODELS


@MODELS.register_module()
class SSDHead(MMDetSSDHead):
    """The SSDHead of mmdet, with an attribute that ``predict`` reads and ``__init__`` never sets.

    Without it, evaluation ends in "'SSDHead' object has no attribute 'loss_cls'"
    (mmdetection#11063, #11305, #11780; PR #11524 is not merged). None means that the scores are
    computed by softmax.
    """
    loss_cls = None
