"""ResNet-18 at 64 px on your pictures, with ResizeMix, which draws per sample.

    python tools/train.py configs/study/resnet18-resizemix.py --work-dir DIR
"""
_base_ = ['./resnet18.py', '../_base_/methods.py']

model = _base_.methods.resizemix
model.train_cfg.augments.update(per='sample', interpolation='bilinear')
