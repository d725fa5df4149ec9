"""The paper's Table 5 (arXiv 2012.11101), one run each: AP on COCO, mAP on VOC07+12 in percent."""
PAPER = 'ResizeMix paper, Table 5'
TOP1 = {'baseline': 76.1, 'CutMix': 78.6, 'ResizeMix': 79.0}
TABLE5 = {  # (set, detector) -> pretraining -> value
    ('COCO val2017', 'SSD300'): {'baseline': 25.1, 'CutMix': 24.9, 'ResizeMix': 25.5},
    ('COCO val2017', 'Faster R-CNN'): {'baseline': 38.1, 'CutMix': 38.2, 'ResizeMix': 38.4},
    ('VOC2007 test', 'SSD300'): {'baseline': 75.6, 'CutMix': 76.1, 'ResizeMix': 77.3},
    ('VOC2007 test', 'Faster R-CNN'): {'baseline': 81.0, 'CutMix': 81.9, 'ResizeMix': 82.0},
}


def published(whole_set: str | None, detector: str, row: str) -> float | None:
    """The paper's value of a cell; None where it has none, or the set is not the whole one."""
    method = row.partition(' (')[0]  # its mixing per batch or sample, its baseline's source
    return TABLE5.get((whole_set, detector), {}).get(method)
