"""SSD300 with ResNet-50 (stem to layer3) on VOC07+12: Table 5, "Pascal VOC, SSD".

    bash tools/dist_train.sh configs/ssd/ssd300_r50_8xb8-24e_voc0712.py 8 --backbone FILE

The paper has 75.6 mAP (11 points) from the baseline, 76.1 from CutMix and 77.3 from ResizeMix. A
run makes about 240 passes over VOC07+12 (RepeatDataset x 10) and takes 2 to 3 A100-hours (an
estimate, not measured).
For one GPU, add --cfg-options train_dataloader.batch_size=64
"""
_base_ = [
    'mmdet::pascal_voc/ssd300_voc0712.py', '../_base_/transfer.py', '../_base_/ssd300_r50.py'
]

# Sec. 5.2: "The batch size is set as 64 for two datasets. It takes 24 epochs in total."
model = _base_.ssd300_r50_c4
train_dataloader = _base_.seeded_loading
custom_hooks = _base_.transfer_hooks
default_hooks = dict(checkpoint=_base_.whole_checkpoints)
env_cfg = dict(cudnn_benchmark=True)
