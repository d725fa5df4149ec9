"""What all detection configs of a transfer study share.

``tools/train.py --backbone`` reads it too, and gives any other config of mmdet what is here.
"""
_base_ = ['./transfer_names.py', './imports.py']
