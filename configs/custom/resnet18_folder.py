"""Your own pictures: a ResNet-18 with ResizeMix on any folder <data_root>/{train,val}/<class>/*.jpg

    python tools/train.py configs/custom/resnet18_folder.py --work-dir work_dirs/my_resizemix

Without mixing: --cfg-options model.train_cfg.augments.prob=0. Copy this file and edit the top.
"""
_base_ = '../pretrain/resnet50_8xb64-resizemix-persample-300e_in1k.py'

data_root, num_classes, size, epochs = 'data/my_pictures', 100, 64, 10

model = dict(backbone=dict(depth=18), head=dict(in_channels=512, num_classes=num_classes))
data_preprocessor = dict(num_classes=num_classes)
load, pack = dict(type='LoadImageFromFile'), dict(type='PackInputs')
flip = dict(type='RandomFlip', prob=0.5, direction='horizontal')
train_pipeline = [load, dict(type='RandomResizedCrop', scale=size), flip, pack]
resize = dict(type='ResizeEdge', scale=size * 256 // 224, edge='short')
test_pipeline = [load, resize, dict(type='CenterCrop', crop_size=size), pack]
pictures = dict(_delete_=True, type='CustomDataset', data_root=data_root)
train_dataloader = dict(dataset=dict(data_prefix='train', pipeline=train_pipeline, **pictures))
val_dataloader = dict(dataset=dict(data_prefix='val', pipeline=test_pipeline, **pictures))
test_dataloader = val_dataloader
optim_wrapper = dict(optimizer=dict(lr=0.1))
train_cfg = dict(max_epochs=epochs)
param_scheduler = dict(T_max=epochs)
