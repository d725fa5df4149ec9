"""ResNet-50 on ImageNet at half the resolution, trained by resizing, tested by resizing: row 3 of
the paper's Table 6, 63.85 % top-1 there.

    bash tools/dist_train.sh configs/half_resolution/resnet50_8xb64-resize112-val-resize112-300e_in1k.py 8

Halved after the usual augmentation, antialiased: the paper does not say.
"""
_base_ = '../pretrain/resnet50_8xb64-300e_in1k.py'

train_pipeline, test_pipeline = _base_.train_pipeline, _base_.test_pipeline
train_pipeline.insert(-1, dict(type='Resize', scale=112, backend='pillow'))
test_pipeline.insert(-1, dict(type='Resize', scale=112, backend='pillow'))
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
