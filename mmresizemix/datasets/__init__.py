"""Data sets: drawing the demo scenes, and checking COCO and VOC folders before training."""
from .scenes import write_scenes
from .shapes import SCENE_CLASSES

__all__ = ['SCENE_CLASSES', 'write_scenes']
