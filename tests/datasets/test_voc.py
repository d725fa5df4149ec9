"""Tests that a sound VOC folder passes the check, and that each planted fault is named with its file."""
import re
import shutil
import tarfile
from hashlib import md5
from xml.etree import ElementTree

import pytest
import torch
from mmdet.datasets import VOCDataset, XMLDataset
from mmdet.models.task_modules import DeltaXYWHBBoxCoder
from PIL import Image

from mmresizemix.datasets import (
    COCO2017_ARCHIVES,
    SCENE_CLASSES,
    VOC0712,
    VOC0712_ARCHIVES,
    Archive,
    VocSplit,
    check_voc,
    data_report,
    fetch,
    prepare,
    voc,
)

SPLITS = [VocSplit(split.folder, split.name) for split in VOC0712]


@pytest.fixture
def root(scenes):
    return scenes / 'VOCdevkit'


def check(root, **options):
    return check_voc(root, SPLITS, SCENE_CLASSES, **options)


def beside_small_boxes(report):
    """Return the faults, but not the notes on small boxes: the pictures are small."""
    return [fault for fault in report.faults if fault.kind is not voc.SMALL_BOX]


def edit(path, tag, text):
    tree = ElementTree.parse(path)
    next(tree.iter(tag)).text = text
    tree.write(path)


def test_a_drawn_set_is_sound(root):
    report = check(root)
    assert report.usable and not beside_small_boxes(report)
    assert [(count.split, count.images) for count in report.counts] == [
        ('VOC2007/trainval', 4), ('VOC2007/test', 3), ('VOC2012/trainval', 2)]
    xml = [(root / 'VOC2012/Annotations' / f'{name}.xml').read_text()
           for name in ('2012_000001', '2012_000002')]
    assert report.counts[2].objects == sum(text.count('<object>') for text in xml)
    assert report.text().endswith('\nusable')


def remove_xml(root, xml, picture):
    xml.unlink()


def break_xml(root, xml, picture):
    xml.write_text(xml.read_text()[:90])


def lose_a_coordinate(root, xml, picture):
    edit(xml, 'xmin', 'left')


def remove_picture(root, xml, picture):
    picture.unlink()


def truncate_picture(root, xml, picture):
    picture.write_bytes(picture.read_bytes()[:-200])


def put_text_for_a_picture(root, xml, picture):
    picture.write_text('404 not found')


def empty_box(root, xml, picture):
    edit(xml, 'xmin', '7')
    edit(xml, 'xmax', '7')


def invert_box(root, xml, picture):
    edit(xml, 'ymin', '60')
    edit(xml, 'ymax', '5')


def empty_difficult_box(root, xml, picture):
    empty_box(root, xml, picture)
    edit(xml, 'difficult', '1')


def move_box_away(root, xml, picture):
    edit(xml, 'xmin', '65')
    edit(xml, 'xmax', '80')


def widen_box(root, xml, picture):
    edit(xml, 'xmin', '1')
    edit(xml, 'xmax', '65')


def start_at_zero(root, xml, picture):
    edit(xml, 'ymin', '0')


def rename_class(root, xml, picture):
    edit(xml, 'name', 'spiral')


def resize_picture(root, xml, picture):
    Image.open(picture).resize((128, 128)).save(picture)


def repeat_in_list(root, xml, picture):
    path = SPLITS[0].list_path(root)
    path.write_text(f'{path.read_text()}{xml.stem}\n')


def test_into_training(root, xml, picture):
    shutil.copy(SPLITS[1].list_path(root), SPLITS[0].list_path(root))


def copy_picture_into_test(root, xml, picture):
    shutil.copy(picture, root / 'VOC2007/JPEGImages/500001.jpg')


def write_a_tga(root, xml, picture):
    Image.open(picture).save(picture, 'TGA')


def put_infinity(root, xml, picture):
    edit(xml, 'xmax', 'inf')


def put_a_coordinate_beyond_float32(root, xml, picture):
    edit(xml, 'xmax', '1e30')


def close_the_difficult_tag(root, xml, picture):
    edit(xml, 'difficult', None)


def name_an_unknown_encoding(root, xml, picture):
    xml.write_bytes(b'<?xml version="1.0" encoding="klingon"?>' + xml.read_bytes())


def empty_the_test_list(root, xml, picture):
    SPLITS[1].list_path(root).write_text('')


def remove_list(root, xml, picture):
    SPLITS[0].list_path(root).unlink()


test_into_training.__test__ = False
LIST = 'trainval.txt'
FAULTS = [
    (remove_xml, voc.NO_XML, '000001.xml', True),
    (break_xml, voc.BAD_XML, '000001.xml', True),
    (lose_a_coordinate, voc.BAD_XML, '000001.xml', True),
    (remove_picture, voc.NO_PICTURE, '000001.jpg', True),
    (truncate_picture, voc.BAD_PICTURE, '000001.jpg', True),
    (put_text_for_a_picture, voc.BAD_PICTURE, '000001.jpg', True),
    (write_a_tga, voc.BAD_PICTURE, '000001.jpg', True),
    (put_infinity, voc.BAD_XML, '000001.xml', True),
    (put_a_coordinate_beyond_float32, voc.BAD_XML, '000001.xml', True),
    (name_an_unknown_encoding, voc.BAD_XML, '000001.xml', True),
    (close_the_difficult_tag, data_report.STOPS, '000001.xml', True),
    (empty_the_test_list, data_report.NOTHING_TO_EVALUATE, 'test.txt', True),
    (empty_box, voc.EMPTY_BOX, '000001.xml', True),
    (invert_box, voc.EMPTY_BOX, '000001.xml', True),
    (move_box_away, voc.FAR_BOX, '000001.xml', True),
    (remove_list, voc.NO_LIST, LIST, True),
    (test_into_training, voc.LEAK, '500001.jpg', True),
    (copy_picture_into_test, data_report.LIKELY_LEAK, '500001.jpg', False),
    (empty_difficult_box, voc.HARMLESS_BOX, '000001.xml', False),
    (widen_box, voc.BOX_OUTSIDE, '000001.xml', False),
    (start_at_zero, voc.BOX_OUTSIDE, '000001.xml', False),
    (rename_class, voc.UNKNOWN_CLASS, '000001.xml', False),
    (resize_picture, voc.OTHER_SIZE, '000001.xml', False),
    (repeat_in_list, voc.REPEATED, LIST, False),
]


@pytest.mark.parametrize('plant, kind, name, breaks', FAULTS,
                         ids=[row[0].__name__ for row in FAULTS])
def test_a_planted_fault_is_named_with_its_file(plant, kind, name, breaks, root):
    folder = root / 'VOC2007'
    plant(root, folder / 'Annotations/000001.xml', folder / 'JPEGImages/000001.jpg')
    report = check(root)
    assert {fault.kind for fault in beside_small_boxes(report)} == {kind}
    assert beside_small_boxes(report)[0].path.endswith(name)
    assert report.usable is not breaks
    assert kind.name in report.text() and name in report.text()


def test_names_in_capitals_leave_nothing(root):
    for xml in (root / 'VOC2007/Annotations').iterdir():
        xml.write_text(re.sub('<name>(.*?)</name>', lambda found: found[0].replace(found[1], found[1].upper()),
                              xml.read_text()))
    report = check(root)
    assert not report.usable and report.of(data_report.NOTHING_TO_TRAIN_ON)
    assert len(report.of(data_report.NOTHING_TO_EVALUATE)) == 1
    assert [fault.detail for fault in report.of(data_report.LEFT_OUT)] == ['no box of a class'] * 4


def test_a_picture_that_is_too_small_to_train_on_is_counted(root):
    folder = root / 'VOC2007'
    Image.open(folder / 'JPEGImages/000001.jpg').resize((64, 31)).save(folder / 'JPEGImages/000001.jpg')
    xml = folder / 'Annotations/000001.xml'
    edit(xml, 'height', '31')
    report = check(root)
    [fault] = report.of(data_report.LEFT_OUT)
    assert fault.path.endswith('000001.jpg') and fault.detail == '64x31, a side under 32 pixels'
    assert 'MMDetection trains on 3 pictures' in report.text()


def test_boxes_that_mmdetections_own_configs_ignore_are_counted(root):
    expected = 0
    for year in ('VOC2007', 'VOC2012'):
        data = XMLDataset(ann_file=f'{year}/ImageSets/Main/trainval.txt', data_root=str(root), pipeline=[],
                          data_prefix=dict(sub_data_root=year), metainfo=dict(classes=SCENE_CLASSES),
                          filter_cfg=dict(filter_empty_gt=True, min_size=32, bbox_min_size=32))
        expected += sum(box['ignore_flag'] for i in range(len(data)) for box in data.get_data_info(i)['instances'])
    report = check(root)
    assert len(report.of(voc.SMALL_BOX)) == expected > 1
    text = report.text()
    assert f'note: box under 32 pixels ({expected}): MMDetection' in text and f'... and {expected - 1} more' in text


def test_every_fault_is_collected_and_the_text_shows_the_first_few(root):
    for path in (root / 'VOC2007/Annotations').glob('0*.xml'):
        path.unlink()
    (root / 'VOC2007/JPEGImages/500002.jpg').unlink()
    report = check(root)
    assert len(report.of(voc.NO_XML)) == 4 and len(report.of(voc.NO_PICTURE)) == 1
    assert '... and 2 more' in report.text(most=2)


def test_without_decoding_half_a_picture_passes_and_the_text_says_so(root):
    path = root / 'VOC2007/JPEGImages/000001.jpg'
    path.write_bytes(path.read_bytes()[:-200])
    report = check(root, decode=False)
    assert report.usable and 'not decoded' in report.text()


def test_a_picture_of_another_format_is_pointed_out(root):
    path = root / 'VOC2007/JPEGImages/000001.jpg'
    path.rename(path.with_suffix('.png'))
    assert '000001.png, but MMDetection reads .jpg' in check(root).text()


def test_other_counts_than_the_published_are_a_warning(root):
    report = check_voc(root, VOC0712, SCENE_CLASSES)
    assert report.usable and len(report.of(voc.COUNT)) == 3
    assert '4 of 5,011 pictures' in report.text()


def test_a_picture_that_exif_turns_has_the_size_that_opencv_gives(root):
    path = root / 'VOC2007/JPEGImages/000001.jpg'
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(path).resize((40, 64)).save(path, exif=exif)
    assert '64x64 in the XML, 64x40 in the file' in check(root).text()


def test_mmdet_keeps_an_empty_box_and_its_target_is_infinite(root):
    """Such a box is an error because the data set lets it pass, and its width has no logarithm."""
    empty_box(root, root / 'VOC2007/Annotations/000001.xml', None)
    data = VOCDataset(data_root=f'{root}/', ann_file='VOC2007/ImageSets/Main/trainval.txt',
                      data_prefix=dict(sub_data_root='VOC2007/'), pipeline=[],
                      filter_cfg=dict(filter_empty_gt=True, min_size=32),
                      metainfo=dict(classes=SCENE_CLASSES))
    box = torch.tensor([data.get_data_info(0)['instances'][0]['bbox']]).float()
    assert box[0, 0] == box[0, 2]
    prior = torch.tensor([[0., 0., 30., 30.]])
    assert not DeltaXYWHBBoxCoder().encode(prior, box).isfinite().all()


@pytest.mark.parametrize('text', ['VOC2007/', 'VOC2007/train.txt', ''])
def test_a_split_that_is_no_list_is_refused(text):
    with pytest.raises(ValueError, match='expected FOLDER/LIST'):
        VocSplit.parse(text)


def test_the_command_accepts_an_own_set_and_lists_its_faults(root, tool):
    own = ['--classes', ','.join(SCENE_CLASSES), '--splits', 'trainval,test']
    sound = tool('prepare_voc', root / 'VOC2007', *own)
    assert (sound.returncode, sound.stdout.splitlines()[-1]) == (0, 'usable')
    empty_box(root, root / 'VOC2007/Annotations/000001.xml', None)
    broken = tool('prepare_voc', root / 'VOC2007', *own, '--fast')
    assert broken.returncode == 1 and '000001.xml' in broken.stdout


def test_an_absent_folder_is_answered_with_what_to_download_where(tmp_path, capsys):
    assert prepare(tmp_path / 'absent', check, VOC0712_ARCHIVES) == 2
    printed = capsys.readouterr()
    assert 'is not a folder' in printed.err
    for name in ('VOCtrainval_06-Nov-2007', 'VOCtest_06-Nov-2007', 'VOCtrainval_11-May-2012'):
        assert f'{name}.tar' in printed.out
    assert f'into {tmp_path}/absent' in printed.out


def packed(root, path, names):
    with tarfile.open(path, 'w') as archive:
        for name in names:
            archive.add(root / name, f'VOCdevkit/{name}')
    return md5(path.read_bytes()).hexdigest()


def test_two_downloaded_archives_make_one_folder(root, served, tmp_path):
    folder, address = served
    target = tmp_path / 'data/VOCdevkit'
    parts = {'trainval': '0*', 'test': '5*'}
    for name, pattern in parts.items():
        files = [path.relative_to(root) for path in (root / 'VOC2007').rglob(f'{pattern}.*')]
        mark = f'VOC2007/ImageSets/Main/{name}.txt'
        digest = packed(root, folder / f'{name}.tar', [*files, mark])
        archive = Archive(f'{address}/{name}.tar', '1 kB', (mark, ), 'VOCdevkit', digest)
        assert archive.is_missing(target)
        fetch(archive, target)
        assert not archive.is_missing(target)
    report = check_voc(target, SPLITS[:2], SCENE_CLASSES)
    assert not beside_small_boxes(report) and [count.images for count in report.counts] == [4, 3]
    assert [path.name for path in target.iterdir()] == ['VOC2007']


@pytest.mark.parametrize('name', ['../stranger', '/tmp/stranger', 'VOCdevkit/link'])
def test_an_archive_that_would_leave_its_folder_is_refused(served, tmp_path, name):
    folder, address = served
    with tarfile.open(folder / 'voc.tar', 'w') as archive:
        member = tarfile.TarInfo(name)
        if name.endswith('link'):
            member.type, member.linkname = tarfile.SYMTYPE, '../../../..'
        archive.addfile(member)
    with pytest.raises(RuntimeError, match='could not be downloaded completely'):
        fetch(Archive(f'{address}/voc.tar', '1 kB', ('VOC2012', ), 'VOCdevkit'), tmp_path / 'data')
    assert list((tmp_path / 'data').iterdir()) == [] and not (tmp_path / 'stranger').exists()


def test_everything_is_fetched_over_a_connection_that_is_checked():
    assert all(one.url.startswith('https://') for one in (*VOC0712_ARCHIVES, *COCO2017_ARCHIVES))


def test_a_download_with_another_checksum_leaves_the_folder_as_it_was(root, served, tmp_path):
    folder, address = served
    packed(root, folder / 'voc.tar', ['VOC2012'])
    archive = Archive(f'{address}/voc.tar', '1 kB', ('VOC2012', ), 'VOCdevkit', md5=32 * '0')
    with pytest.raises(RuntimeError, match='could not be downloaded completely'):
        fetch(archive, tmp_path / 'data')
    assert list((tmp_path / 'data').iterdir()) == []
