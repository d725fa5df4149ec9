"""ResNet-50 with Fast AutoAugment's policy for ImageNet: 77.60 % top-1 in the paper's Table 4.

    bash tools/dist_train.sh configs/pretrain/resnet50_8xb64-fast-autoaugment-300e_in1k.py 8
"""
_base_ = './resnet50_8xb64-300e_in1k.py'

# Its authors put it before the crop, so pictures are decoded whole.
load, flip_and_pack = _base_.test_pipeline[0], _base_.train_pipeline[1:]
train_pipeline = [
    load,
    dict(type='mmresizemix.SearchedPolicy', name='fast_aa_imagenet'),
    dict(type='RandomResizedCrop', scale=_base_.train_pipeline[0].scale, backend='pillow'),
    *flip_and_pack
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
