"""The study's SSD at 96 px, for a CPU.

    python tools/train.py configs/study/ssd96_r18.py --backbone FILE --work-dir DIR

It has feature maps of 12, 6, 3, 2 and 1 pixels, and no random crops, which take a fifth of the
time.
"""
_base_ = './ssd256_r18.py'

size, shares = 96, _base_.shares
model = dict(
    bbox_head=dict(
        anchor_generator=dict(
            input_size=size,
            min_sizes=[round(size * share) for share in shares[:-1]],
            max_sizes=[round(size * share) for share in shares[1:]],
            strides=[8, 16, 32, 48, 96])))
train_pipeline, test_pipeline = _base_.train_pipeline, _base_.test_pipeline
train_pipeline.pop(2)
train_pipeline[2].update(scale=(size, size))
test_pipeline[1].update(scale=(size, size))
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
