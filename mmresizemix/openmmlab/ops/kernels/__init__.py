"""The ops of mmcv that have a stand-in. Names and signatures are those of ``mmcv._ext``."""
from .deform_attn import ms_deform_attn_backward, ms_deform_attn_forward
from .deform_conv import (
    deform_conv_backward_input,
    deform_conv_backward_parameters,
    deform_conv_forward,
    modulated_deform_conv_backward,
    modulated_deform_conv_forward,
)
from .focal_loss import sigmoid_focal_loss_backward, sigmoid_focal_loss_forward
from .roi_align import roi_align_backward, roi_align_forward
from .suppression import nms, nms_match, softnms

STAND_INS = (
    nms, softnms, nms_match,
    roi_align_forward, roi_align_backward,
    sigmoid_focal_loss_forward, sigmoid_focal_loss_backward,
    deform_conv_forward, deform_conv_backward_input, deform_conv_backward_parameters,
    modulated_deform_conv_forward, modulated_deform_conv_backward,
    ms_deform_attn_forward, ms_deform_attn_backward,
)

# roi_pool has none: torchvision's kernel rounds the corners of a box, and mmcv's does not.
