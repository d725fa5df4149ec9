"""ResNet-50 with SaliencyMix: 78.74 % top-1 in the paper's Table 4.

    bash tools/dist_train.sh configs/pretrain/resnet50_8xb64-saliencymix-300e_in1k.py 8
"""
_base_ = ['./resnet50_8xb64-300e_in1k.py', '../_base_/methods.py']

model = _base_.methods.saliencymix
