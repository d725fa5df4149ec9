"""Tests that the order of channels that a config says is that of the pictures which its pipeline hands over."""
import numpy as np
import pytest
from mmcv.transforms import Compose
from mmengine.registry import DefaultScope

from mmresizemix.openmmlab.channel_order import red_first

TO_PIL, TO_RGB = dict(type='NumpyToPIL'), dict(type='NumpyToPIL', to_rgb=True)
TO_NUMPY, TO_BGR = dict(type='PILToNumpy'), dict(type='PILToNumpy', to_bgr=True)
FLIP = dict(type='RandomFlip', prob=0.5)


@pytest.mark.parametrize('kind', ['CustomDataset', 'CIFAR10'])
@pytest.mark.parametrize('steps', [
    [], [FLIP], [TO_RGB], [TO_PIL], [TO_RGB, TO_BGR], [TO_RGB, TO_NUMPY], [TO_PIL, TO_NUMPY], [TO_PIL, TO_BGR],
    [dict(type='ToPIL', to_rgb=True), dict(type='ToNumpy', to_bgr=True)], [TO_RGB, TO_BGR, TO_RGB],
    [dict(type='Normalize', mean=[0, 0, 0], std=[1, 1, 1])], [TO_RGB, dict(type='mmpretrain.ToNumpy', to_bgr=True)],
    [dict(type='Normalize', mean=[0, 0, 0], std=[1, 1, 1], to_rgb=False)],
    [dict(type='Lighting', eigval=[0, 0, 0], eigvec=[[0] * 3] * 3, to_rgb=True)],
], ids=lambda steps: '-'.join(step['type'] for step in steps))
def test_it_is_what_the_pipeline_does(kind, steps):
    import mmpretrain.datasets  # noqa: F401
    picture = np.zeros((4, 4, 3), np.uint8)
    picture[..., 0 if kind == 'CIFAR10' else 2] = 200  # red
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        from mmpretrain.registry import TRANSFORMS
        results = Compose([TRANSFORMS.build(dict(step)) for step in steps])(dict(img=picture))
    pixel = np.asarray(results['img'])[0, 0]
    assert red_first(dict(type=kind, pipeline=steps)) == (pixel[0] == 200)
    assert sorted(pixel) == [0, 0, 200]


def test_data_sets_that_are_joined_must_agree():
    red, blue = dict(type='CustomDataset', pipeline=[TO_RGB]), dict(type='CustomDataset', pipeline=[])

    def joined(*datasets, steps=()):
        inner = dict(type='ConcatDataset', datasets=list(datasets))
        return dict(type='RepeatDataset', dataset=inner, pipeline=[*steps])

    assert red_first(joined(red, red)) is True and red_first(joined(blue, blue)) is False
    assert red_first(joined(dict(type='KFoldDataset', dataset=red), dict(type='CIFAR100'))) is True
    assert red_first(joined(red, blue)) is None and red_first(joined(red, 5)) is None
    assert red_first(joined(red, steps=[TO_RGB])) is False, 'the steps of the outer set come last'


@pytest.mark.parametrize('inside', [[TO_RGB], [[FLIP], [TO_RGB]]])
def test_a_step_that_may_reverse_them_makes_it_unknown(inside):
    assert red_first(dict(pipeline=[dict(type='RandomChoice', transforms=inside)])) is None
    assert red_first(dict(pipeline=[dict(type='RandomChoice', transforms=[[FLIP], [TO_PIL]])])) is False
