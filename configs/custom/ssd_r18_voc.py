"""Your own VOC-format set: SSD300 with ResNet-18 on <data_root>/{JPEGImages,Annotations,ImageSets}

    python tools/train.py configs/custom/ssd_r18_voc.py --backbone FILE --work-dir work_dirs/my_ssd

Copy this file and edit the top. For a ResNet-50, leave out ``model`` but for ``num_classes``.
"""
_base_ = '../ssd/ssd300_r50_8xb8-24e_voc0712.py'

classes = ('RBC', 'WBC', 'Platelets')
data_root = 'data/my_set/'

channels = (256, 512, 512, 256, 256, 256)
model = dict(
    backbone=dict(depth=18),
    neck=dict(in_channels=channels[:1], out_channels=channels),
    bbox_head=dict(in_channels=channels, num_classes=len(classes)))
# VOCDataset would give VOC's own names to the classes if the path contains VOC2007 or VOC2012.
my_set = dict(type='XMLDataset', data_root=data_root, metainfo=dict(classes=classes),
              data_prefix=dict(sub_data_root=''))
train_dataloader = dict(dataset=dict(dataset=dict(
    _delete_=True, ann_file='ImageSets/Main/trainval.txt', pipeline=_base_.train_pipeline,
    filter_cfg=dict(filter_empty_gt=True, min_size=32), **my_set)))
val_dataloader = dict(dataset=dict(ann_file='ImageSets/Main/test.txt', **my_set))
test_dataloader = val_dataloader
auto_scale_lr = dict(enable=True)  # the base's rate is for 8 GPUs; this fits it to yours
