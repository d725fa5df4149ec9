"""Your own pictures: a ResNet-18 with ResizeMix on any folder <data_root>/{train,val}/<class>/*.jpg

    python tools/train.py configs/custom/resnet18_folder.py --work-dir work_dirs/my_resizemix

Copy this file and edit the top. To train without mixing, add
--cfg-options model.train_cfg.augments.prob=0
"""
_base_ = '../pretrain/resnet50_8xb64-resizemix-persample-300e_in1k.py'

data_root, num_classes, size, epochs = 'data/my_pictures', 100, 64, 10

model = dict(
    backbone=dict(depth=18), head=dict(in_channels=512, num_classes=num_classes, topk=(1, )))
data_preprocessor = dict(num_classes=num_classes)
train_pipeline, test_pipeline = _base_.train_pipeline, _base_.test_pipeline
train_pipeline[0].update(scale=size)
test_pipeline[1].update(scale=size * 256 // 224)
test_pipeline[2].update(crop_size=size)
pictures = dict(
    _delete_=True, type='CustomDataset', data_root=data_root, extensions=_base_.picture_suffixes)
train_dataloader = dict(dataset=dict(data_prefix='train', pipeline=train_pipeline, **pictures))
val_dataloader = dict(dataset=dict(data_prefix='val', pipeline=test_pipeline, **pictures))
test_dataloader = val_dataloader
test_evaluator = val_evaluator = dict(topk=(1, ))  # top-5 needs more than four classes
optim_wrapper = dict(optimizer=dict(lr=0.1))
train_cfg = dict(max_epochs=epochs)
param_scheduler = dict(T_max=epochs)
