"""Tests that detectors of MMDetection train and predict on the CPU by the stand-ins for mmcv's ops, and that those that
cannot are named before their first step."""
import re

import pytest
import torch
from mmcv.ops import CARAFEPack, box_iou_rotated
from mmdet.registry import MODELS
from mmdet.testing import demo_mm_inputs
from mmengine.config import Config
from mmengine.registry import init_default_scope

from mmresizemix.openmmlab.installed import read_config
from mmresizemix.openmmlab.ops.fallback import stands_in
from mmresizemix.openmmlab.ops.unavailable import require_ops, unavailable_ops
from mmresizemix.training.launch import train

pytestmark = pytest.mark.skipif(not stands_in(), reason='mmcv has its compiled ops here')

SIZES = {'in_channels', 'out_channels', 'feat_channels', 'conv_out_channels', 'fc_out_channels', 'base_channels',
         'compressed_channels', 'embed_dims', 'feedforward_channels', 'num_feats', 'num_classes'}
DETECTORS = [
    'retinanet/retinanet_r50_fpn_1x_coco',
    'atss/atss_r50_fpn_1x_coco',
    'fcos/fcos_r50-caffe_fpn_gn-head_1x_coco',
    'mask_rcnn/mask-rcnn_r50_fpn_1x_coco',
    'deformable_detr/deformable-detr_r50_16xb2-50e_coco',
    'dcn/faster-rcnn_r50-dconv-c3-c5_fpn_1x_coco',
    'dcnv2/faster-rcnn_r50-mdconv-c3-c5_fpn_1x_coco',
    'pisa/faster-rcnn_r50_fpn_pisa_1x_coco',
    'faster_rcnn/faster-rcnn_r50_fpn_soft-nms_1x_coco',
]


def thin(node):
    """Return the config of a model with an eighth of its channels and classes, and without a threshold for scores."""
    if isinstance(node, (list, tuple)):
        return [thin(value) for value in node]
    if not isinstance(node, dict):
        return node
    found = {key: thin(value) for key, value in node.items()}
    for key in SIZES & found.keys():
        value = found[key]
        found[key] = [n // 8 for n in value] if isinstance(value, list) else value // 8
    return {**found, **{key: 0. for key in found if key == 'score_thr'}}


def build(name):
    config = read_config(f'mmdet::{name}.py').model.to_dict()
    config['backbone'].update(init_cfg=None, base_channels=64, zero_init_residual=False)
    if 'detr' in name:
        config['bbox_head']['embed_dims'] = 256
    init_default_scope('mmdet')
    torch.manual_seed(0)
    model = MODELS.build(Config(thin(config))._cfg_dict)
    model.init_weights()
    return model


@pytest.mark.parametrize('name', DETECTORS)
def test_a_detector_trains_and_predicts(device, name):
    model = build(name).to(device)
    assert unavailable_ops(model) == []
    batch = demo_mm_inputs(2, [[3, 64, 64]] * 2, with_mask='mask' in name)
    losses = model(**model.data_preprocessor(batch, training=True), mode='loss')
    loss, _ = model.parse_losses(losses)
    loss.backward()
    assert loss.isfinite() and ('mask' not in name or losses['loss_mask'] > 0)
    for at, parameter in model.backbone.named_parameters():
        assert not parameter.requires_grad or (parameter.grad.isfinite().all() and parameter.grad.any()), at
    torch.optim.SGD(model.parameters(), 1e-4).step()
    with torch.no_grad():
        results = model.eval().test_step(batch)
    for result in results:
        found = result.pred_instances
        assert len(found) and found.bboxes.isfinite().all()
        assert 'mask' not in name or found.masks.shape == (len(found), *result.ori_shape)


@pytest.mark.parametrize('name,path,ops', [
    ('dcn/faster-rcnn_r50_fpn_dpool_1x_coco', 'model.roi_head.bbox_roi_extractor.roi_layers.0 (DeformRoIPoolPack)',
     'ops deform_roi_pool_backward, deform_roi_pool_forward'),
    ('guided_anchoring/ga-retinanet_r50-caffe_fpn_1x_coco', 'model.bbox_head.retina_cls (MaskedConv2d)',
     'ops masked_col2im_forward, masked_im2col_forward'),
])
def test_a_detector_that_asks_for_another_op_is_named(name, path, ops):
    with pytest.raises(NotImplementedError, match=re.escape(f"{path} needs mmcv's compiled {ops}, not installed")):
        require_ops(build(name))


class Calls(torch.nn.Module):
    """Calls a function of mmcv.ops that is none of a module."""

    def forward(self, boxes):
        return box_iou_rotated(boxes, boxes)


class Asks(torch.nn.Module):
    """Names a class of mmcv.ops and an attribute that is called as an op is, but calls none."""

    def forward(self, x):
        return isinstance(x, CARAFEPack) or x.nms_rotated


def test_a_function_that_a_method_calls_is_found():
    model = torch.nn.Sequential(Asks(), torch.nn.Sequential(Calls()))
    assert unavailable_ops(model) == [('model.1.0', 'Calls', ('box_iou_rotated', ))]


def test_training_says_so_before_it_loads_data(tmp_path):
    cfg = read_config('mmdet::carafe/faster-rcnn_r50_fpn-carafe_1x_coco.py')
    cfg.merge_from_dict(dict(work_dir=str(tmp_path), model=dict(backbone=dict(init_cfg=None))))
    with pytest.raises(NotImplementedError, match=r'^model\.neck\.upsample_modules\.0 \(CARAFEPack\) needs .* carafe'):
        train(cfg)
