"""ResNet-101 with SaliencyMix: 79.91 % top-1 in the paper's Table 4.

    bash tools/dist_train.sh configs/pretrain/resnet101_8xb64-saliencymix-300e_in1k.py 8
"""
_base_ = './resnet50_8xb64-saliencymix-300e_in1k.py'

model = dict(backbone=dict(depth=101))
