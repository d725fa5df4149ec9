"""ResNet-18 at 64 px on your pictures, with CutMix, which draws per sample.

    python tools/train.py configs/study/resnet18-cutmix.py --work-dir DIR
"""
_base_ = ['./resnet18.py', '../_base_/methods.py']

model = _base_.methods.cutmix
model.train_cfg.augments.update(per='sample')
