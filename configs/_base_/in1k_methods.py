"""The methods that change single pictures, as pipelines for ImageNet, by name."""
_base_ = ['../pretrain/resnet50_8xb64-300e_in1k.py', './methods.py']

_crop, _flip, _pack = _base_.train_pipeline
_test_steps, _half = _base_.test_pipeline[:-1], _base_.operations.half_112
_policy = dict(type='mmresizemix.SearchedPolicy')

methods = {
    name: (pipeline, dict(dataset=dict(pipeline=pipeline)))
    for name, pipeline in dict(
        autoaugment=[_crop, _flip, dict(_policy, name='aa_imagenet'), _pack],
        dada=[_crop, _flip, dict(_policy, name='dada_imagenet'), _pack],
        randaugment=[_crop, _flip, *_base_.operations.randaugment, _pack],
        half_by_crop=[_crop, _flip, _half.crop, _pack],
        half_by_resizing=[_crop, _flip, _half.resize, _pack],
        tested_by_centre_crop=[*_test_steps, _half.centre_crop, _pack],
        tested_by_resizing=[*_test_steps, _half.resize, _pack]).items()
}
