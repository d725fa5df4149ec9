"""A small Faster R-CNN on the drawn scenes in VOC layout.

    python tools/train.py configs/demo/faster-rcnn_r18_scenes-voc.py --backbone FILE
"""
_base_ = ['../faster_rcnn/faster-rcnn_r50_fpn_8xb2-4e_voc0712.py', './_base_scenes.py']

model = _base_.faster_rcnn_r18
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    dataset=dict(
        times=1,
        dataset=dict(datasets=[
            dict(
                type='VOCDataset',
                data_root=_base_.scenes_voc,
                metainfo=_base_.scenes_classes,
                ann_file='VOC2007/ImageSets/Main/trainval.txt',
                data_prefix=dict(sub_data_root='VOC2007/'),
                pipeline=_base_.scenes_train_pipeline),
            dict(
                type='VOCDataset',
                data_root=_base_.scenes_voc,
                metainfo=_base_.scenes_classes,
                ann_file='VOC2012/ImageSets/Main/trainval.txt',
                data_prefix=dict(sub_data_root='VOC2012/'),
                pipeline=_base_.scenes_train_pipeline),
        ])))
val_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        data_root=_base_.scenes_voc,
        metainfo=_base_.scenes_classes,
        pipeline=_base_.scenes_test_pipeline))
test_dataloader = val_dataloader
train_cfg = _base_.scenes_train_cfg
param_scheduler = _base_.scenes_schedule
optim_wrapper = _base_.scenes_optimizer
default_hooks = dict(logger=dict(interval=5))
