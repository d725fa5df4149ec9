"""Your own pictures, your own detection set: is ResizeMix worth it there?

    python tools/transfer.py configs/plans/custom_example.py --dry-run

Copy this file and the configs that it names, and edit both. Paths start at this file's folder.
"""
_without_mixing = {'model.train_cfg.augments.prob': 0}

pretrainings = [
    dict(name='baseline', config='../custom/resnet18_folder.py', options=_without_mixing),
    dict(name='ResizeMix', config='../custom/resnet18_folder.py'),
    # One that is finished, of MMPretrain, torchvision or timm:
    # dict(name='mine', checkpoint='/path/to/epoch_300.pth', method='mine'),
    # No pretraining at all:
    # dict(name='random weights', random=True, seeds=[0]),
]
detectors = [
    dict(name='SSD', config='../custom/ssd_r18_voc.py'),
    dict(name='Faster R-CNN', config='../custom/faster-rcnn_r18_voc.py'),
]
seeds = [0, 1]  # of the fine-tuning, for each detector and pretraining
gpus_per_run = 1  # 0: on the CPU. Runs go side by side as GPUs allow
