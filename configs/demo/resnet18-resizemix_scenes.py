"""ResNet-18 with ResizeMix on the demo's drawn crops.

    python tools/train.py configs/demo/resnet18-resizemix_scenes.py
"""
_base_ = './resnet18_scenes.py'

model = dict(
    head=dict(loss=dict(use_soft=True)),
    train_cfg=dict(augments=dict(
        type='mmresizemix.ResizeMix', scale_range=(0.1, 0.8), inplace=True)))
