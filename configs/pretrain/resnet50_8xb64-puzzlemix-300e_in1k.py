"""ResNet-50 with Puzzle Mix: 77.51 % top-1 in the paper's Table 4.

    bash tools/dist_train.sh configs/pretrain/resnet50_8xb64-puzzlemix-300e_in1k.py 8

Every step asks the model for the gradient of its pixels, and solves two problems per picture on the
CPU. docs/benchmarks.md says what that costs.
"""
_base_ = ['./resnet50_8xb64-300e_in1k.py', '../_base_/methods.py']

model = _base_.methods.puzzlemix
