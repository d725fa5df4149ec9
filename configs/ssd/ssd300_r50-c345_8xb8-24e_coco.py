"""SSD300 with all four stages of ResNet-50 and no changed stride, on COCO.

    bash tools/dist_train.sh configs/ssd/ssd300_r50-c345_8xb8-24e_coco.py 8 --backbone FILE

The paper does not have this variant.
"""
_base_ = './ssd300_r50_8xb8-24e_coco.py'

model = _base_.ssd300_r50_c345
