"""What all trainings share, by name.

Configs take it with ``_base_.name``, since two bases of one config may not set the same key.
"""
epoch_seed = dict(type='mmresizemix.EpochSeedHook')
finite_weights = dict(type='mmresizemix.FiniteWeightsHook')
class_names = dict(type='mmresizemix.ClassNamesHook')

# With EpochSeedHook: a resumed run draws the augmentations of an uninterrupted one.
torch_seeding = dict(type='mmresizemix.torch_worker_seeding')
seeded_loading = dict(persistent_workers=False, worker_init_fn=torch_seeding)

# Written whole or not at all, and two of them: at any moment one is whole. And the best.
whole_checkpoints = dict(
    max_keep_ckpts=2, save_best='auto', backend_args=dict(backend='whole_file'))

# Of classifiers: batch augments may ask the model, policies may go by the epoch.
pretraining_hooks = [
    epoch_seed, finite_weights, class_names,
    dict(type='mmresizemix.AttachModelHook'),
    dict(type='mmresizemix.PolicyEpochHook'),
    dict(type='mmresizemix.MixLogHook'),
]

# The files that a folder of pictures may hold. MMPretrain's own list leaves some out without a word.
picture_suffixes = ('.jpg', '.jpeg', '.png', '.bmp', '.ppm', '.pgm', '.tif', '.tiff', '.webp',
                    '.gif')
