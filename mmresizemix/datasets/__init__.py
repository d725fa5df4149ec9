"""Tools for data sets: drawing the demo scenes, and checking COCO and VOC folders before training.

They need neither torch nor OpenMMLab. If MMDetection is installed, the checks ask it what it makes
of a set. Downloading imports torchvision, when it is called.
"""
from .coco import COCO2017, CocoSplit, check_coco
from .data_report import Count, DataFault, DataReport, Kind, Severity
from .download import COCO2017_ARCHIVES, VOC0712_ARCHIVES, Archive, fetch
from .leaks import Leak, Leaks, find_leaks, show_leaks
from .prepare import parse_arguments, prepare
from .scenes import Scene, SceneObject, draw_crop, draw_scene, picture_rng, write_scenes
from .seen_pictures import SeenPictures
from .shapes import SCENE_CLASSES
from .voc import VOC0712, VOC_CLASSES, VocSplit, check_voc

__all__ = [
    'COCO2017',
    'COCO2017_ARCHIVES',
    'SCENE_CLASSES',
    'VOC0712',
    'VOC0712_ARCHIVES',
    'VOC_CLASSES',
    'Archive',
    'CocoSplit',
    'Count',
    'DataFault',
    'DataReport',
    'Kind',
    'Leak',
    'Leaks',
    'Scene',
    'SceneObject',
    'SeenPictures',
    'Severity',
    'VocSplit',
    'check_coco',
    'check_voc',
    'draw_crop',
    'draw_scene',
    'fetch',
    'find_leaks',
    'parse_arguments',
    'picture_rng',
    'prepare',
    'show_leaks',
    'write_scenes'
]
