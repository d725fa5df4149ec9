"""SSD300 with all four stages of ResNet-50 and no changed stride, on VOC07+12.

    bash tools/dist_train.sh configs/ssd/ssd300_r50-c345_8xb8-24e_voc0712.py 8 --backbone FILE

The paper does not have this variant.
"""
_base_ = './ssd300_r50_8xb8-24e_voc0712.py'

model = _base_.ssd300_r50_c345
