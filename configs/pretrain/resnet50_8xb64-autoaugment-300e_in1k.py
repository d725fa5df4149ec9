"""ResNet-50 with AutoAugment's policy for ImageNet: 77.63 % top-1 in the paper's Table 4.

    bash tools/dist_train.sh configs/pretrain/resnet50_8xb64-autoaugment-300e_in1k.py 8
"""
_base_ = './resnet50_8xb64-300e_in1k.py'

train_pipeline = _base_.train_pipeline
train_pipeline.insert(-1, dict(type='mmresizemix.SearchedPolicy', name='aa_imagenet'))
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
