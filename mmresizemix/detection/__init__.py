"""What MMDetection lacks: an SSD head that evaluates, AP with every digit."""
from .coco_metric import CocoMetric
from .ssd_head import SSDHead

__all__ = ['CocoMetric', 'SSDHead']
