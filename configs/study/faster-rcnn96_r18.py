"""The study's Faster R-CNN at 96 px, for a CPU.

    python tools/train.py configs/study/faster-rcnn96_r18.py --backbone FILE --work-dir DIR
"""
_base_ = './faster-rcnn256_r18.py'

size = 96
train_pipeline, test_pipeline = _base_.train_pipeline, _base_.test_pipeline
train_pipeline[2].update(scale=(size, size))
test_pipeline[1].update(scale=(size, size))
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
