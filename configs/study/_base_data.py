"""Your pictures and your detection set, which all of the study reads from here.

Relative paths start where the command is given.
"""
# Of pretraining: <root>/{train,val}/<class>/*.jpg
pictures = dict(root='{{$STUDY_PICTURES:data/pictures}}', num_classes=100)

# Of the detectors, in VOC layout (VOCDataset would print the names of VOC for other classes, too) ...
objects_root = '{{$STUDY_OBJECTS:data/VOCdevkit/VOC2007}}'
objects = dict(
    classes=('aeroplane', 'bicycle', 'bird', 'boat', 'bottle', 'bus', 'car', 'cat', 'chair', 'cow',
             'diningtable', 'dog', 'horse', 'motorbike', 'person', 'pottedplant', 'sheep', 'sofa',
             'train', 'tvmonitor'),
    train=dict(
        type='XMLDataset',
        data_root=objects_root,
        ann_file='ImageSets/Main/train.txt',
        data_prefix=dict(sub_data_root='')),
    test=dict(
        type='XMLDataset',
        data_root=objects_root,
        ann_file='ImageSets/Main/test.txt',
        data_prefix=dict(sub_data_root='')),
    evaluator=dict(type='VOCMetric', metric='mAP', eval_mode='11points'))

# ... or in COCO's:
# objects_root = 'data/coco/'
# objects = dict(
#     classes=('cat', 'dog'),  # in the order of the json's categories
#     train=dict(
#         type='CocoDataset',
#         data_root=objects_root,
#         ann_file='annotations/instances_train2017.json',
#         data_prefix=dict(img='train2017/')),
#     test=dict(
#         type='CocoDataset',
#         data_root=objects_root,
#         ann_file='annotations/instances_val2017.json',
#         data_prefix=dict(img='val2017/')),
#     evaluator=dict(
#         type='mmresizemix.CocoMetric',
#         metric='bbox',
#         ann_file=objects_root + 'annotations/instances_val2017.json'))
