"""What all detection configs of a transfer study share, by name: the base of those that import more
than this package."""
_base_ = './runs.py'

randomness = dict(seed=0)

# Stops the run before its first step unless the backbone's weights really arrived.
backbone_guard = dict(type='mmresizemix.BackboneGuard')
detection_dump = dict(type='mmresizemix.DetectionDump')  # for tools/compare.py
transfer_hooks = [
    backbone_guard, _base_.epoch_seed, detection_dump, _base_.class_names, _base_.finite_weights
]

coco_metric = dict(type='mmresizemix.CocoMetric')  # mmdet's rounds to 0.1 AP
