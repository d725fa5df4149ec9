"""The paper's methods, by name. A recipe becomes a row of a table by one of them::

    _base_ = ['./wrn28-10_1xb256-200e_cifar100.py', '../_base_/methods.py']
    model = _base_.methods.cutmix                                   # a batch augment, or
    train_pipeline = [*_base_.train_pipeline[:-1], *_base_.operations.randaugment, pack]

As the papers have them: one draw per batch. With ``per='sample'`` every picture gets one of its own.
"""
_augments = dict(
    mixup=dict(type='mmresizemix.Mixup', per='batch'),
    cutmix=dict(type='mmresizemix.CutMix', alpha=1.0, per='batch'),
    fmix=dict(type='mmresizemix.FMix', per='batch'),
    saliencymix=dict(type='mmresizemix.SaliencyMix', per='batch'),
    saliencymix_cifar=dict(type='mmresizemix.SaliencyMix', per='batch', prob=0.5),
    puzzlemix=dict(type='mmresizemix.PuzzleMix', per='batch'),
    # As released: one τ per batch, one place per sample, by nearest neighbour.
    resizemix=dict(
        type='mmresizemix.ResizeMix',
        scale_range=(0.1, 0.8),  # Sec. 5.3.3: "adopted to all the experiments with ResizeMix"
        per='batch',
        placement='shifted',  # A.1, eqs. 12-14
        interpolation='nearest'),
    # Table 1: what is cut from where, pasted where. The sides follow ResizeMix's law.
    cut_random_to_same=dict(
        type='mmresizemix.PatchMix', source_region='random', paste_region='corresponding',
        per='batch'),
    cut_random_to_non_salient=dict(
        type='mmresizemix.PatchMix', source_region='random', paste_region='non_salient',
        per='batch'),
    cut_random_to_salient=dict(
        type='mmresizemix.PatchMix', source_region='random', paste_region='salient', per='batch'),
    cut_random_to_random=dict(
        type='mmresizemix.PatchMix', source_region='random', paste_region='random', per='batch'),
    cut_non_salient_to_random=dict(
        type='mmresizemix.PatchMix', source_region='non_salient', paste_region='random',
        per='batch'),
    cut_salient_to_random=dict(
        type='mmresizemix.PatchMix', source_region='salient', paste_region='random', per='batch'))
# Sec. 5.3.2. The paper gives neither N nor M: these are torchvision's defaults, and those of
# RandAugment's authors for ResNet-50.
_randaugment = dict(num_ops=2, magnitude=9)
_augments['resizemix_then_randaugment'] = dict(
    type='mmresizemix.MixThenAugment', mix=dict(**_augments['resizemix'], inplace=True),
    transforms=[dict(type='RandAugment', **_randaugment)])

# Eq. 8: the labels are mixed. In place: the data preprocessor hands over a batch of its own.
methods = {
    name: dict(
        head=dict(loss=dict(use_soft=True)),
        train_cfg=dict(augments=augment if 'mix' in augment else dict(**augment, inplace=True)))
    for name, augment in _augments.items()
}

# Of one picture, for a training pipeline.
operations = dict(
    randaugment=[  # on pictures as MMPretrain loads them, blue first
        dict(type='NumpyToPIL', to_rgb=True),
        dict(type='torchvision/RandAugment', **_randaugment),
        dict(type='PILToNumpy', to_bgr=True)
    ],
    randaugment_cifar=[  # whose pictures are red first
        dict(type='NumpyToPIL', to_rgb=False),
        dict(type='torchvision/RandAugment', **_randaugment),
        dict(type='PILToNumpy', to_bgr=False)
    ])
