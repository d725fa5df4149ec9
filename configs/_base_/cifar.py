"""The paper's recipe for WRN-28-10 on CIFAR-10 (Sec. 5.1.1) and on CIFAR-100 (Sec. 5.1.2).

For CIFAR-100, the paper has "the same settings and hyper-parameters". The authors' code has another
recipe, with a learning rate of 0.2 and with warm-up.
"""
_base_ = ['mmpretrain::_base_/default_runtime.py', './imports.py', './runs.py']

custom_hooks = _base_.pretraining_hooks
randomness = dict(seed=0)
default_hooks = dict(checkpoint=_base_.whole_checkpoints)

model = dict(
    type='ImageClassifier',
    backbone=dict(type='mmresizemix.WideResNet', depth=28, widen_factor=10),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='LinearClsHead',
        in_channels=640,
        loss=dict(type='CrossEntropyLoss', loss_weight=1.0)))

# "for 200 epochs with a batch size of 256 using the stochastic gradient descent (SGD) optimizer. We
# use the Nesterov momentum of 0.9, and the weight decay of 5 x 10^-4. The initial learning rate is
# 0.1 and decays with the cosine annealing schedule." By epoch, as for ImageNet: that is left open.
optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4))
train_cfg = dict(by_epoch=True, max_epochs=200, val_interval=1)
val_cfg = dict()
test_cfg = dict()
param_scheduler = dict(type='CosineAnnealingLR', by_epoch=True, T_max=200)
auto_scale_lr = dict(base_batch_size=256)

# By name, as the data set's base has these keys.
cifar_training = dict(batch_size=256, persistent_workers=False, worker_init_fn=_base_.torch_seeding)
cifar_test = dict(batch_size=256)

# "When training the Shake-Shake (26 2x96d) network, we set the total epochs as 1,800 and the batch
# size as 256 using the SGD optimizer. The initial learning rate is 0.01 and the weight decay is
# 1 x 10^-3." These are model, optim_wrapper, train_cfg and param_scheduler.
shake_shake = (
    dict(
        backbone=dict(_delete_=True, type='mmresizemix.ShakeShake', depth=26, base_channels=96),
        head=dict(in_channels=384)),
    dict(optimizer=dict(lr=0.01, weight_decay=1e-3)),
    dict(max_epochs=1800),
    dict(T_max=1800))

# Sec. 5.3.2: "the batch augmentation strategy (the enlarging scale is set as 2 in our experiments)"
# These are train_dataloader and auto_scale_lr.
_twice = 2 * cifar_training['batch_size']
twice = (
    dict(
        batch_size=_twice,
        sampler=dict(_delete_=True, type='mmresizemix.BatchAugmentationSampler', times=2)),
    dict(base_batch_size=_twice))
