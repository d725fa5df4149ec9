"""ResNet-50 on ImageNet-1k without mixing, the baseline of the paper's Table 4.

    bash tools/dist_train.sh configs/pretrain/resnet50_8xb64-300e_in1k.py 8

The paper has 76.31 % top-1 for the baseline, 78.60 % with CutMix and 79.00 % with ResizeMix. For
another schedule, add --cfg-options train_cfg.max_epochs=100 param_scheduler.T_max=100
"""
_base_ = [
    'mmpretrain::resnet/resnet50_8xb32_in1k.py', '../_base_/imports.py', '../_base_/runs.py'
]

custom_hooks = _base_.pretraining_hooks
randomness = dict(seed=0)

# Both read every kind of file alike. Antialiased; mmpretrain's default backend, cv2, is not.
load, pack = dict(type='mmresizemix.LoadPicture'), dict(type='PackInputs')
train_pipeline = [
    dict(type='mmresizemix.LoadRandomResizedCrop', scale=224),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'), pack
]
test_pipeline = [
    load,
    dict(type='ResizeEdge', scale=256, edge='short', backend='pillow'),
    dict(type='CenterCrop', crop_size=224), pack
]

# Sec. 5.1.3: "We set the batch size as 512, the initial learning rate as 0.5, and the weight decay
# as 4 x 10^-5. The learning rate decays with the cosine annealing schedule ... for 300 epochs."
train_dataloader = dict(
    batch_size=64,
    **_base_.seeded_loading,
    dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
optim_wrapper = dict(optimizer=dict(lr=0.5, weight_decay=4e-5))
train_cfg = dict(max_epochs=300)
param_scheduler = dict(_delete_=True, type='CosineAnnealingLR', by_epoch=True, T_max=300)
auto_scale_lr = dict(base_batch_size=512)

default_hooks = dict(checkpoint=_base_.whole_checkpoints)
