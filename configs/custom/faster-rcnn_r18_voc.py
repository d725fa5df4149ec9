"""Your own VOC-format set: Faster R-CNN with ResNet-18 and FPN.

    python tools/train.py configs/custom/faster-rcnn_r18_voc.py --backbone FILE --work-dir DIR

Copy this file and edit the top. For a ResNet-50, leave out ``backbone`` and ``neck``.
"""
_base_ = '../faster_rcnn/faster-rcnn_r50_fpn_8xb2-4e_voc0712.py'

classes = ('RBC', 'WBC', 'Platelets')
data_root = 'data/my_set/'

model = dict(
    backbone=dict(depth=18),
    neck=dict(in_channels=[64, 128, 256, 512]),
    roi_head=dict(bbox_head=dict(num_classes=len(classes))))
# VOCDataset would give VOC's own names to the classes if the path contains VOC2007 or VOC2012.
my_set = dict(type='XMLDataset', data_root=data_root, metainfo=dict(classes=classes),
              data_prefix=dict(sub_data_root=''))
train_dataloader = dict(dataset=dict(dataset=dict(
    _delete_=True, ann_file='ImageSets/Main/trainval.txt', pipeline=_base_.train_pipeline,
    filter_cfg=dict(filter_empty_gt=True, min_size=32), **my_set)))
val_dataloader = dict(dataset=dict(ann_file='ImageSets/Main/test.txt', **my_set))
test_dataloader = val_dataloader
auto_scale_lr = dict(enable=True)  # the base's rate is for 8 GPUs; this fits it to yours
