"""ResNet-18 with CutMix on the demo's drawn crops.

    python tools/train.py configs/demo/resnet18-cutmix_scenes.py
"""
_base_ = './resnet18_scenes.py'

model = dict(
    head=dict(loss=dict(use_soft=True)),
    train_cfg=dict(augments=dict(type='mmresizemix.CutMix', alpha=1.0, inplace=True)))
