"""Your own COCO-format set: Faster R-CNN with ResNet-18 and FPN.

    python tools/train.py configs/custom/faster-rcnn_r18_coco.py --backbone FILE --work-dir DIR

Copy this file and edit the top. For a ResNet-50, leave out ``backbone`` and ``neck``.
"""
_base_ = '../faster_rcnn/faster-rcnn_r50_fpn_8xb2-12e_coco.py'

classes = ('cat', 'dog')  # in the order of the json's categories
data_root = 'data/my_set/'
train = dict(ann_file='annotations/instances_train2017.json', data_prefix=dict(img='train2017/'))
val = dict(ann_file='annotations/instances_val2017.json', data_prefix=dict(img='val2017/'))

model = dict(
    backbone=dict(depth=18),
    neck=dict(in_channels=[64, 128, 256, 512]),
    roi_head=dict(bbox_head=dict(num_classes=len(classes))))
my_set = dict(data_root=data_root, metainfo=dict(classes=classes))
train_dataloader = dict(dataset=dict(**train, **my_set))
val_dataloader = dict(dataset=dict(**val, **my_set))
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=data_root + val['ann_file'])
test_evaluator = val_evaluator
auto_scale_lr = dict(enable=True)  # the base's rate is for 8 GPUs; this fits it to yours
