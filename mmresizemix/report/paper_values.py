"""The results that the paper (arXiv 2012.11101) reports, each from one run, in percent.

Table 5 holds AP on COCO and mAP on VOC07+12, and the other tables hold top-1. Cells that the text
of the paper does not give are left out.
"""
PAPER = 'ResizeMix paper'

TABLE5 = {  # (set, detector) -> pretraining -> value
    ('COCO val2017', 'SSD300'): {'baseline': 25.1, 'CutMix': 24.9, 'ResizeMix': 25.5},
    ('COCO val2017', 'Faster R-CNN'): {'baseline': 38.1, 'CutMix': 38.2, 'ResizeMix': 38.4},
    ('VOC2007 test', 'SSD300'): {'baseline': 75.6, 'CutMix': 76.1, 'ResizeMix': 77.3},
    ('VOC2007 test', 'Faster R-CNN'): {'baseline': 81.0, 'CutMix': 81.9, 'ResizeMix': 82.0},
}
TOP1 = {  # (set, network) -> method -> value
    ('CIFAR-10', 'WRN-28-10'): {  # Tables 2 and 6
        'baseline': 96.13, 'AutoAugment': 97.32, 'Fast AutoAugment': 97.30, 'PBA': 97.42,
        'RandAugment': 97.30, 'DADA': 97.30, 'Cutout': 96.90, 'CutMix': 97.10, 'FMix': 96.38,
        'SaliencyMix': 97.24, 'ResizeMix': 97.60, 'ResizeMix+': 98.10,
        'crop, tested by resizing': 71.80, 'crop, tested by a centre crop': 90.10,
        'resize, tested by resizing': 92.06},
    ('CIFAR-10', 'Shake-Shake 26 2x96d'): {  # Table 2
        'baseline': 97.14, 'ResizeMix': 97.93, 'ResizeMix+': 98.47},
    ('CIFAR-100', 'WRN-28-10'): {  # Tables 1, 3, 6, 7 and 8
        'baseline': 81.20, 'AutoAugment': 82.91, 'Fast AutoAugment': 82.70, 'PBA': 83.27,
        'RandAugment': 83.30, 'DADA': 82.50, 'Cutout': 81.59, 'CutMix': 83.40, 'FMix': 82.03,
        'SaliencyMix': 83.44, 'Puzzle Mix': 84.05, 'ResizeMix': 84.31, 'ResizeMix+': 85.23,
        'cut random → same place': 83.40, 'cut random → non-salient': 83.93,
        'cut random → salient': 83.97, 'cut random → random': 84.14,
        'cut non-salient → random': 83.93, 'cut salient → random': 84.07,
        'crop, tested by resizing': 35.84, 'crop, tested by a centre crop': 66.70,
        'resize, tested by resizing': 71.90,
        'RandAugment before ResizeMix': 83.47, 'RandAugment after ResizeMix': 84.59,
        'ResizeMix 0.1-0.9': 83.91, 'ResizeMix 0.1-0.7': 83.72, 'ResizeMix 0.2-0.8': 83.70},
    ('CIFAR-100', 'Shake-Shake 26 2x96d'): {  # Table 3
        'baseline': 82.95, 'ResizeMix': 85.26, 'ResizeMix+': 85.60},
    ('ImageNet', 'ResNet-50'): {  # Tables 4 and 6
        'baseline': 76.31, 'AutoAugment': 77.63, 'Fast AutoAugment': 77.60, 'RandAugment': 77.60,
        'DADA': 77.50, 'CutMix': 78.60, 'SaliencyMix': 78.74, 'Puzzle Mix': 77.51,
        'ResizeMix': 79.00, 'crop, tested by resizing': 63.59,
        'crop, tested by a centre crop': 58.58, 'resize, tested by resizing': 63.85},
    ('ImageNet', 'ResNet-101'): {  # Table 4
        'baseline': 78.13, 'CutMix': 79.83, 'SaliencyMix': 79.91, 'ResizeMix': 80.54},
}


def published(whole_set: str | None, model: str, row: str) -> float | None:
    """Return the value of the paper for a cell.

    Return None if the paper has no such value, or if the set is not a whole standard set.
    """
    # A row may end in '(per sample)' or '(torchvision)'. The paper does not make this distinction.
    method = row.partition(' (')[0]
    return {**TABLE5, **TOP1}.get((whole_set or '', model), {}).get(method)
