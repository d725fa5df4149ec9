"""Tests that every label has one name: in the config, in the annotations, and in all sets."""
import json
from types import SimpleNamespace

import pytest
import torch
from mmdet.datasets import CocoDataset, VOCDataset, XMLDataset
from mmdet.evaluation import VOCMetric
from mmengine.config import Config
from mmengine.dataset import ConcatDataset, RepeatDataset
from mmengine.runner import BaseLoop

from mmresizemix.openmmlab.checkpoint import CheckpointError
from mmresizemix.openmmlab.data_sets import DataError, empty_sets_named
from mmresizemix.training.class_names import ClassNamesError, ClassNamesHook, read_categories
from mmresizemix.training.same_model import SameModelHook


class Loop(BaseLoop):
    """As much of a loop as the hook asks for."""

    def __init__(self, dataset):
        self.dataloader = SimpleNamespace(dataset=dataset)
        self.evaluator = SimpleNamespace(metrics=[VOCMetric()])

    def run(self):
        raise NotImplementedError


@pytest.fixture
def coco(tmp_path):
    """A function: ``coco(in_file, in_config)`` is a set with these class names."""
    def _coco(in_file, in_config):
        path = tmp_path / f'{in_file}.json'
        path.write_text(json.dumps(dict(
            images=[dict(id=1, width=9, height=9, file_name='1.jpg')],
            annotations=[dict(id=1, image_id=1, category_id=10, bbox=[1, 1, 5, 5], area=25, iscrowd=0)],
            categories=[dict(id=10 + i, name=name) for i, name in enumerate(in_file)])))
        return CocoDataset(ann_file=str(path), data_prefix=dict(img=''), metainfo=dict(classes=[*in_config]),
                           test_mode=True)
    return _coco


class Part(torch.nn.Module):
    """A part of a model that has a number of classes."""

    def __init__(self, num_classes):
        super().__init__()
        self.num_classes = num_classes


def look_at(train=None, val=None, test=None, model=None):
    loops = [one if one is None else Loop(one) for one in (train, val, test)]
    warned = []
    ClassNamesHook().before_run(SimpleNamespace(_train_loop=loops[0], _val_loop=loops[1], _test_loop=loops[2],
                                                model=model or torch.nn.Identity(),
                                                logger=SimpleNamespace(warning=warned.append)))
    return warned


def model_of(**numbers):
    return torch.nn.ModuleDict({place: Part(number) for place, number in numbers.items()})


def test_equal_names_pass(coco):
    look_at(coco('abc', 'abc'), coco('abc', 'abc'))
    look_at(coco('abcd', 'acd'), coco('xacdy', 'acd'), coco('acd', 'acd'))  # the files have more than the config
    look_at(RepeatDataset(coco('ab', 'ab'), 2), ConcatDataset([coco('ab', 'ab'), coco('abc', 'ab')]))


@pytest.mark.parametrize('in_file, in_config, named', [
    ('aab', 'ab', "label 1 is 'b' in metainfo.classes, and 'a' in"),  # a name that two ids have
    ('ba', 'ab', "label 0 is 'a' in metainfo.classes, and 'b' in .*json. Give the classes of that file in its order"),
    ('ac', 'abc', r'json lacks 1 of the 3 classes of metainfo.classes \(b\)'),
    ('xyz', 'abcd', r'lacks 4 of the 4 classes of metainfo.classes \(a, b, c, ...\)'),
])
def test_a_label_with_two_names_is_refused(coco, in_file, in_config, named):
    with pytest.raises(ClassNamesError, match=named):
        look_at(ConcatDataset([coco('abcd', 'abcd'), coco(in_file, in_config)], ignore_keys=['classes']))


@pytest.mark.parametrize('train, val, named', [
    ('ab', 'ba', "label 0 is 'a' in the training set, and 'b' in the evaluation set"),
    ('abc', 'ab', 'the evaluation set lacks 1 of the 3 classes of the training set'),
    ('ab', 'abc', 'the evaluation set has 3 classes, and the training set has 2'),
])
def test_both_sets_have_the_same_names(coco, train, val, named):
    with pytest.raises(ClassNamesError, match=named):
        look_at(coco(train, train), coco(val, val))


def test_sets_that_find_classes_by_name_pass(tmp_path):
    (tmp_path / 'list.txt').write_text('')
    look_at(VOCDataset(ann_file='list.txt', data_root=str(tmp_path), data_prefix=dict(sub_data_root='VOC2007'),
                       metainfo=dict(classes=('b', 'a')), test_mode=True, serialize_data=False))


@pytest.mark.parametrize('kind, folder, classes, named', [
    (VOCDataset, 'VOC2007', ('a', 'b'), "contains VOC2007, so .* call its classes aeroplane, .*set type='XMLDataset'"),
    (VOCDataset, 'VOC2012', VOCDataset.METAINFO['classes'][::-1], 'contains VOC2012'),
    (VOCDataset, 'VOC2007', VOCDataset.METAINFO['classes'], None),
    (VOCDataset, 'mine', ('a', 'b'), None),
    (XMLDataset, 'VOC2007', ('a', 'b'), None),
])
def test_classes_that_the_table_would_call_by_vocs_names(tmp_path, kind, folder, classes, named):
    (tmp_path / 'list.txt').write_text('')
    val = kind(ann_file='list.txt', data_root=str(tmp_path), data_prefix=dict(sub_data_root=folder),
               metainfo=dict(classes=classes), test_mode=True, serialize_data=False)
    if named is None:
        look_at(val, val)
    else:
        with pytest.raises(ClassNamesError, match=named):
            look_at(val, val)


def test_sets_without_names_pass():
    look_at([1, 2], [3])


@pytest.mark.parametrize('segmentation, with_mask, named', [
    (None, True, "the training set: 1.jpg has an object without a mask .*, and this detector learns masks"),
    ([], True, 'without a mask'), (None, False, None), ([[1, 1, 6, 1, 6, 6]], True, None)])
def test_a_detector_that_learns_masks_has_them(tmp_path, segmentation, with_mask, named):
    path = tmp_path / 'x.json'
    path.write_text(json.dumps(dict(
        images=[dict(id=1, width=9, height=9, file_name='1.jpg')], categories=[dict(id=1, name='a')],
        annotations=[dict(id=1, image_id=1, category_id=1, bbox=[1, 1, 5, 5], area=25, iscrowd=0,
                          **({} if segmentation is None else dict(segmentation=segmentation)))])))
    data = CocoDataset(ann_file=str(path), data_prefix=dict(img=''), metainfo=dict(classes=['a']),
                       pipeline=[dict(type='LoadAnnotations', with_bbox=True, with_mask=with_mask, _scope_='mmdet')])
    if named is None:
        look_at(data)
    else:
        with pytest.raises(DataError, match=named):
            look_at(data)


def test_names_without_an_object_in_voc_format_are_told(tmp_path):
    (tmp_path / 'list.txt').write_text('1')
    (tmp_path / 'Annotations').mkdir()
    objects = ''.join(f'<object><name>{name}</name><difficult>0</difficult><bndbox><xmin>1</xmin><ymin>1</ymin>'
                      '<xmax>9</xmax><ymax>9</ymax></bndbox></object>' for name in ('cat', 'dog'))
    (tmp_path / 'Annotations/1.xml').write_text(
        f'<annotation><size><width>64</width><height>64</height></size>{objects}</annotation>')

    def voc(*classes):
        return XMLDataset(ann_file='list.txt', data_root=str(tmp_path), data_prefix=dict(sub_data_root=''),
                          metainfo=dict(classes=classes))

    assert look_at(voc('cat', 'dog')) == look_at(voc('dog')) == []
    [line] = look_at(RepeatDataset(voc('cat', 'dgo'), 2))
    assert 'no object of the training set is called dgo. If other names were meant' in line


def test_a_model_with_the_number_of_classes_passes(coco):
    look_at(coco('ab', 'ab'), model=model_of(bbox_head=2, rpn_head=1, backbone=1000, neck=None, other=-1))
    speaking = model_of(bbox_head=256)
    speaking.language_model = torch.nn.Identity()
    look_at(coco('ab', 'ab'), model=speaking)


@pytest.mark.parametrize('place', ['bbox_head', 'head', 'data_preprocessor'])
@pytest.mark.parametrize('number', [1, 80])
def test_a_model_with_another_number_of_classes_is_named(coco, place, number):
    with pytest.raises(ClassNamesError, match=f'class names: model.{place} has num_classes={number}, and the data '
                                              r'have 2 \(a, b\). Give the model that number, or the option --classes'):
        look_at(coco('ab', 'ab'), model=model_of(**{place: number}))


@pytest.fixture
def folders(tmp_path):
    """A function: ``folders(names)`` is a set of these class folders."""
    from mmpretrain.datasets import CustomDataset

    def _folders(names, **settings):
        for name in names:
            (tmp_path / name).mkdir()
            (tmp_path / name / '1.jpg').write_bytes(b'')
        return CustomDataset(data_root=str(tmp_path), **settings)
    return _folders


@pytest.mark.parametrize('hidden', ['.ipynb_checkpoints', '__MACOSX'])
def test_a_hidden_folder_is_no_class(folders, hidden):
    with pytest.raises(ClassNamesError, match=f'the folder {hidden} counts as a class; remove it'):
        look_at(folders(['cat', hidden]))


def test_names_of_class_folders(folders):
    found = folders(['n1', 'n2'], metainfo=dict(classes=('tench', 'goldfish')))
    look_at(found)  # names may be other words than those of the folders
    found._metainfo['classes'] = ('n2', 'n1')
    with pytest.raises(ClassNamesError, match="label 0 is 'n2' in metainfo.classes, and 'n1' in the folders of .*order"):
        look_at(found)


def test_names_that_are_not_as_many_as_the_folders(folders):
    with pytest.raises(DataError, match='class names: The number of subfolders'), empty_sets_named(Config(), []):
        folders(['cat', 'dog'], metainfo=dict(classes=('cat', 'dog', 'owl')))


def test_a_class_folder_that_the_validation_lacks_is_named(tmp_path):
    from mmpretrain.datasets import CustomDataset
    for name in ('train/cat', 'train/dog', 'train/owl', 'val/dog', 'val/owl'):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / '1.jpg').write_bytes(b'')
    train, val = (CustomDataset(data_root=str(tmp_path / split)) for split in ('train', 'val'))
    look_at(train, train)
    with pytest.raises(ClassNamesError, match=r'evaluation set lacks 1 of the 3 classes of the training set \(cat\). '
                                              'Give .*train/? and .*val/? a folder for each class'):
        look_at(train, val)


@pytest.mark.parametrize('trained, named', [
    (['b', 'a'], "its label 0 is 'b', and that of the data is 'a'"),
    (['a', 'b', 'c'], "its label 2 is 'c', and that of the data is nothing"),
])
def test_a_checkpoint_of_other_classes_is_refused(coco, trained, named):
    model = torch.nn.Linear(2, 2)
    runner = SimpleNamespace(_train_loop=None, _val_loop=None, _test_loop=Loop(coco('ab', 'ab')), _resume=False,
                             _load_from='x.pth', model=model)
    for classes in (['a', 'b'], ('a', 'b'), None):
        SameModelHook().after_load_checkpoint(runner, dict(state_dict=model.state_dict(), meta=dict(
            dataset_meta=dict(classes=classes))))
    SameModelHook().after_load_checkpoint(runner, dict(state_dict=model.state_dict(), meta=None))
    with pytest.raises(CheckpointError, match=f'x.pth: was trained on other classes: {named}'):
        SameModelHook().after_load_checkpoint(runner, dict(state_dict=model.state_dict(), meta=dict(
            dataset_meta=dict(classes=trained))))


@pytest.mark.parametrize('more', [{}, dict(info=dict(description='the "categories": [] of a set')),
                                  dict(images=[dict(categories=[1])])])
def test_categories_are_read_whatever_else_is_in_the_file(tmp_path, more):
    categories = [dict(id=1, name='a [b]'), dict(id=7, name='"categories"')]
    (tmp_path / 'x.json').write_text(json.dumps({**more, 'categories': categories, 'licenses': []}))
    assert read_categories(tmp_path / 'x.json') == categories
