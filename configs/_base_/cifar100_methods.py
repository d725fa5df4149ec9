"""The methods that change single pictures, as pipelines for CIFAR-100, by name."""
_base_ = ['../cifar/wrn28-10_1xb256-200e_cifar100.py', './methods.py']

_crop, _flip, _pack = _base_.train_pipeline
_steps, _half = _base_.operations, _base_.operations.half_16

# The size that Cutout's authors chose for CIFAR-10.
_cutout = dict(
    type='Cutout', shape=16, pad_val=tuple(_base_.data_preprocessor.mean), prob=1.0)
# The size that they chose for CIFAR-100.
_small_cutout = dict(_cutout, shape=8)

# Each policy stands where its authors put it. They cut a square out, too.
methods = {
    name: (pipeline, dict(dataset=dict(pipeline=pipeline)))
    for name, pipeline in dict(
        cutout=[_crop, _flip, _small_cutout, _pack],
        autoaugment=[_crop, _flip, _steps.aa_cifar10, _cutout, _pack],
        fast_autoaugment=[_steps.fast_aa_cifar10, _crop, _flip, _cutout, _pack],
        pba=[_steps.pba_cifar10, _crop, _flip, _small_cutout, _pack],
        dada=[_crop, _flip, _steps.dada_cifar100, _cutout, _pack],
        randaugment=[_crop, _flip, *_steps.randaugment_cifar, _pack],
        half_by_crop=[_crop, _flip, _half.crop, _pack],
        half_by_resizing=[_crop, _flip, _half.resize, _pack],
        tested_by_centre_crop=[_half.centre_crop, _pack],
        tested_by_resizing=[_half.resize, _pack]).items()
}
