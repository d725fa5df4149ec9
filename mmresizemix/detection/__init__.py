"""Parts that MMDetection lacks: an SSD head that can be evaluated, AP with every digit, and a hook
that keeps detections."""
from .coco_metric import CocoMetric
from .dump import DetectionDump
from .ssd_head import SSDHead

__all__ = ['CocoMetric', 'DetectionDump', 'SSDHead']
