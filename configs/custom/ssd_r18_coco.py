"""Your own COCO-format set: SSD300 with ResNet-18.

    python tools/train.py configs/custom/ssd_r18_coco.py --backbone FILE --work-dir work_dirs/my_ssd

Copy this file and edit the top. For a ResNet-50, leave out ``model`` but for ``num_classes``.
"""
_base_ = '../ssd/ssd300_r50_8xb8-24e_coco.py'

classes = ('cat', 'dog')  # in the order of the json's categories
data_root = 'data/my_set/'
train = dict(ann_file='annotations/instances_train2017.json', data_prefix=dict(img='train2017/'))
val = dict(ann_file='annotations/instances_val2017.json', data_prefix=dict(img='val2017/'))

channels = (256, 512, 512, 256, 256, 256)
model = dict(
    backbone=dict(depth=18),
    neck=dict(in_channels=channels[:1], out_channels=channels),
    bbox_head=dict(in_channels=channels, num_classes=len(classes)))
my_set = dict(data_root=data_root, metainfo=dict(classes=classes))
train_dataloader = dict(dataset=dict(dataset=dict(**train, **my_set)))
val_dataloader = dict(dataset=dict(**val, **my_set))
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=data_root + val['ann_file'])
test_evaluator = val_evaluator
auto_scale_lr = dict(enable=True)  # the base's rate is for 8 GPUs; this fits it to yours
