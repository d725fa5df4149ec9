"""Table 5 of the paper: three pretrainings, SSD300 and Faster R-CNN, COCO and VOC07+12.

    python tools/transfer.py configs/plans/table5.py

The paper has one run per cell. Three seeds show what the gaps are worth. One pretraining run per
method says nothing about the method's own spread. Give ``seeds`` there, too, if you can.
"""
pretrainings = [
    dict(name='baseline', config='../pretrain/resnet50_8xb64-300e_in1k.py'),
    dict(name='CutMix', config='../pretrain/resnet50_8xb64-cutmix-300e_in1k.py'),
    dict(name='ResizeMix', config='../pretrain/resnet50_8xb64-resizemix-300e_in1k.py'),
]
detectors = [
    dict(name='SSD300 on COCO', config='../ssd/ssd300_r50_8xb8-24e_coco.py'),
    dict(name='Faster R-CNN on COCO', config='../faster_rcnn/faster-rcnn_r50_fpn_8xb2-12e_coco.py'),
    dict(name='SSD300 on VOC', config='../ssd/ssd300_r50_8xb8-24e_voc0712.py'),
    dict(name='Faster R-CNN on VOC',
         config='../faster_rcnn/faster-rcnn_r50_fpn_8xb2-4e_voc0712.py'),
]
seeds = [0, 1, 2]
gpus_per_run = 8
