"""ResNet-18 at 64 px on your pictures, with MMPretrain's ResizeMix.

    python tools/train.py configs/study/resnet18-mmpretrain-resizemix.py --work-dir DIR

That is another method than ours. The README says what differs.
"""
_base_ = './resnet18.py'

model = dict(
    head=dict(loss=dict(use_soft=True)),
    train_cfg=dict(augments=dict(type='ResizeMix', alpha=1.0)))
