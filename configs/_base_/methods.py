"""The paper's methods, by name. A recipe becomes a row of a table by one of them::

    _base_ = ['./wrn28-10_1xb256-200e_cifar100.py', '../_base_/methods.py']
    model = _base_.methods.cutmix

They draw once per batch, as the papers have it. With ``per='sample'`` every picture gets a draw of
its own. Methods that change single pictures are pipelines of a data set: cifar10_methods.py,
cifar100_methods.py and in1k_methods.py have them by name::

    _base_ = '../_base_/cifar100_methods.py'
    train_pipeline, train_dataloader = _base_.methods.autoaugment
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

# Steps of their pipelines. MMPretrain loads pictures blue first, but those of CIFAR are red first.
_cifar_order = 'rgb'
operations = {
    name: [
        dict(type='NumpyToPIL', to_rgb=order == 'bgr'),
        dict(type='torchvision/RandAugment', **_randaugment),
        dict(type='PILToNumpy', to_bgr=order == 'bgr')
    ]
    for name, order in dict(randaugment='bgr', randaugment_cifar=_cifar_order).items()
}
operations.update({
    name: dict(type='mmresizemix.SearchedPolicy', name=name, channel_order=_cifar_order)
    for name in ('aa_cifar10', 'fast_aa_cifar10', 'pba_cifar10', 'dada_cifar10', 'dada_cifar100')
})
# Table 6, by the side that is left. Resizing is antialiased.
operations.update({
    f'half_{side}': dict(
        crop=dict(type='RandomCrop', crop_size=side),
        centre_crop=dict(type='CenterCrop', crop_size=side),
        resize=dict(type='Resize', scale=side, backend='pillow'))
    for side in (16, 112)
})
