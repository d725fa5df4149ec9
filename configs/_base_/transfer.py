"""What all detection configs of a transfer study share, by name: they take it with ``_base_.name``,
since two bases of one config may not set the same key."""
custom_imports = dict(imports=['mmresizemix'], allow_failed_imports=False)
randomness = dict(seed=0)

# Stops the run before its first step unless the backbone's weights really arrived.
backbone_guard = dict(type='mmresizemix.BackboneGuard')
epoch_seed = dict(type='mmresizemix.EpochSeedHook')
detection_dump = dict(type='mmresizemix.DetectionDump')  # for tools/compare.py
num_class_check = dict(type='NumClassCheckHook')
finite_weights = dict(type='mmresizemix.FiniteWeightsHook')

# Written whole or not at all, and two of them: at any moment one is whole. And the best.
whole_checkpoints = dict(max_keep_ckpts=2, save_best='auto', backend_args=dict(backend='whole_file'))

# With EpochSeedHook: a resumed run draws the augmentations of an uninterrupted one.
torch_seeding = dict(type='mmresizemix.torch_worker_seeding')

coco_metric = dict(type='mmresizemix.CocoMetric')  # mmdet's rounds to 0.1 AP
