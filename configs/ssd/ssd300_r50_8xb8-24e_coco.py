"""SSD300 with ResNet-50 (stem to layer3) on COCO: Table 5, "MS-COCO, SSD".

    bash tools/dist_train.sh configs/ssd/ssd300_r50_8xb8-24e_coco.py 8 --backbone FILE

The paper has 25.1 AP from the baseline, 24.9 from CutMix and 25.5 from ResizeMix. A run makes about
120 passes over COCO (RepeatDataset x 5) and takes 6 to 11 A100-hours by NVIDIA's throughput (an
estimate, not measured).
For one GPU, add --cfg-options train_dataloader.batch_size=64
"""
_base_ = ['mmdet::ssd/ssd300_coco.py', '../_base_/transfer.py', '../_base_/ssd300_r50.py']

# Sec. 5.2: "the input image is resized to 300 x 300. The batch size is set as 64 ... 24 epochs in
# total"; all else MMDetection's default.
model = _base_.ssd300_r50_c4
train_dataloader = _base_.seeded_loading
val_evaluator = _base_.coco_metric
test_evaluator = _base_.coco_metric
custom_hooks = _base_.transfer_hooks
default_hooks = dict(checkpoint=_base_.whole_checkpoints)
env_cfg = dict(cudnn_benchmark=True)  # one input size; the base's top-level switch is not read
