"""What MMDetection lacks: an SSD head that evaluates, AP with every digit, detections kept."""
from .coco_metric import CocoMetric
from .dump import DetectionDump
from .ssd_head import SSDHead

__all__ = ['CocoMetric', 'DetectionDump', 'SSDHead']
