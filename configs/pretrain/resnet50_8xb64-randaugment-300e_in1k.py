"""ResNet-50 with RandAugment: 77.60 % top-1 in the paper's Table 4.

    bash tools/dist_train.sh configs/pretrain/resnet50_8xb64-randaugment-300e_in1k.py 8
"""
_base_ = ['./resnet50_8xb64-300e_in1k.py', '../_base_/methods.py']

train_pipeline = _base_.train_pipeline
train_pipeline[-1:-1] = _base_.operations.randaugment
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
