"""Tests that a sound COCO folder passes the check, and that each planted fault is named with its file."""
import json
import shutil
import sys

import pytest
from mmdet.datasets import CocoDataset
from PIL import Image

from mmresizemix.datasets import (
    COCO2017,
    COCO2017_ARCHIVES,
    SCENE_CLASSES,
    Archive,
    CocoSplit,
    SeenPictures,
    as_mmdet,
    check_coco,
    coco,
    data_report,
    fetch,
    pictures,
    prepare,
    seen_pictures,
)

SPLITS = [CocoSplit(split.annotations, split.pictures) for split in COCO2017]
TRAIN = 'instances_train2017.json'


@pytest.fixture
def root(scenes):
    return scenes / 'coco'


def check(root, **options):
    return check_coco(root, SPLITS, SCENE_CLASSES, **options)


def rewrite(root, change):
    path = root / 'annotations' / TRAIN
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def changed(key, **values):
    """Return a fault: other values in the first entry of a list."""
    return lambda root: rewrite(root, lambda content: content[key][0].update(values))


def lacking(key, name):
    """Return a fault: the first entry of a list lacks a value."""
    return lambda root: rewrite(root, lambda content: content[key][0].pop(name))


def listed_twice(root):
    rewrite(root, lambda content: content['images'].append({**content['images'][0], 'id': 99}))


def reordered(root):
    rewrite(root, lambda content: content['categories'].reverse())


def removed(path):
    return lambda root: (root / path).unlink()


def cut(path):
    return lambda root: (root / path).write_bytes((root / path).read_bytes()[:-200])


def written(change):
    """Return a fault: other bytes in the annotation file."""
    def plant(root):
        path = root / 'annotations' / TRAIN
        path.write_bytes(change(path.read_text()))
    return plant


def named_twice(root):
    rewrite(root, lambda content: content['categories'].append(dict(id=99, name='circle')))


def without_boxes(root):
    rewrite(root, lambda content: content['annotations'].clear())


def as_picture(save):
    """Return a fault: the first picture has another format than its name says."""
    def plant(root):
        path = root / 'train2017' / FIRST
        save(Image.open(path), path)
    return plant


def copied_to_val(root):
    shutil.copy(root / 'train2017' / FIRST, root / 'val2017' / FIRST)


FIRST, IN_JSON = '000000000001.jpg', TRAIN
FAULTS = {
    'no json': (removed(f'annotations/{TRAIN}'), {coco.NO_JSON}, IN_JSON, True),
    'half a json': (cut(f'annotations/{TRAIN}'), {coco.BAD_JSON}, IN_JSON, True),
    'no list': (lambda root: rewrite(root, lambda content: content.pop('images')),
                {coco.BAD_JSON}, IN_JSON, True),
    'no width': (lacking('images', 'width'), {coco.BAD_ENTRY, coco.STRAY}, IN_JSON, True),
    'no area': (lacking('annotations', 'area'), {coco.BAD_ENTRY}, IN_JSON, True),
    'no number': (changed('annotations', bbox=[1, 2, 'x', 4]), {coco.BAD_ENTRY}, IN_JSON, True),
    'repeated id': (changed('annotations', id=2), {coco.REPEATED_ID}, IN_JSON, True),
    'no picture': (removed(f'train2017/{FIRST}'), {coco.NO_PICTURE}, FIRST, True),
    'half a picture': (cut(f'train2017/{FIRST}'), {coco.BAD_PICTURE}, FIRST, True),
    'no class': (changed('categories', name='spiral'),
                 {coco.NO_CLASS, coco.OTHER_ORDER, coco.UNKNOWN_CLASS}, IN_JSON, True),
    'other order': (reordered, {coco.OTHER_ORDER, coco.NAME_ORDER}, IN_JSON, True),
    'empty box': (changed('annotations', bbox=[5, 5, 0, 9]), {coco.SKIPPED_BOX}, FIRST, False),
    'no area in it': (changed('annotations', area=0), {coco.SKIPPED_BOX}, FIRST, False),
    'far box': (changed('annotations', bbox=[70, 5, 9, 9]), {coco.SKIPPED_BOX}, FIRST, False),
    'wide box': (changed('annotations', bbox=[5, 5, 70, 9]), {coco.BOX_OUTSIDE}, FIRST, False),
    'unknown id': (changed('annotations', category_id=7), {coco.UNKNOWN_CLASS}, IN_JSON, False),
    'stray': (changed('annotations', image_id=99), {coco.STRAY}, IN_JSON, False),
    'other size': (changed('images', width=65), {coco.OTHER_SIZE}, FIRST, False),
    'no iscrowd': (lacking('annotations', 'iscrowd'), {coco.NO_ISCROWD}, IN_JSON, False),
    'no mask': (lacking('annotations', 'segmentation'), {coco.NO_MASK}, IN_JSON, False),
    'an empty mask': (changed('annotations', segmentation=[]), {coco.NO_MASK}, IN_JSON, False),
    'no number for iscrowd': (changed('annotations', iscrowd=None), {coco.BAD_ENTRY}, IN_JSON, True),
    'id 0': (changed('annotations', id=0), {coco.ODD_ID}, IN_JSON, False),
    'huge id': (changed('annotations', id=2**53 + 1), {coco.ODD_ID}, IN_JSON, False),
    'id in a text': (changed('annotations', id='1'), {coco.BAD_ENTRY}, IN_JSON, True),
    'box of NaN': (changed('annotations', bbox=[float('nan'), 5, 9, 9]), {coco.BAD_ENTRY}, IN_JSON, True),
    'infinite area': (changed('annotations', area=float('inf')), {coco.BAD_ENTRY}, IN_JSON, True),
    'number of 400 digits': (changed('annotations', area=10**400), {coco.BAD_ENTRY}, IN_JSON, True),
    'true for a number': (changed('annotations', area=True), {coco.BAD_ENTRY}, IN_JSON, True),
    'no height': (changed('images', height=0), {coco.BAD_ENTRY, coco.STRAY}, IN_JSON, True),
    'byte order mark': (written(lambda text: b'\xef\xbb\xbf' + text.encode()), {coco.BAD_JSON}, IN_JSON, True),
    'UTF-16': (written(lambda text: text.encode('utf-16')), {coco.BAD_JSON}, IN_JSON, True),
    'deep json': (written(lambda text: b'[' * 100_000), {coco.BAD_JSON}, IN_JSON, True),
    'number of 5000 digits': (written(lambda text: b'[' + b'1' * 5000 + b']'), {coco.BAD_JSON}, IN_JSON, True),
    'two of one name': (named_twice, {coco.SAME_NAME, coco.OTHER_ORDER}, IN_JSON, True),
    'no box at all': (without_boxes, {data_report.NOTHING_TO_TRAIN_ON, data_report.LEFT_OUT}, IN_JSON, True),
    'TGA': (as_picture(lambda image, path: image.save(path, 'TGA')), {coco.BAD_PICTURE}, FIRST, True),
    'float TIFF': (as_picture(lambda image, path: image.convert('F').save(path, 'TIFF')),
                   {coco.BAD_PICTURE}, FIRST, True),
    'in val, too': (copied_to_val, {data_report.LIKELY_LEAK}, FIRST, False),
    'listed twice': (listed_twice, {coco.REPEATED_FILE, data_report.LEFT_OUT}, FIRST, False),
}


def test_a_drawn_set_is_sound(root):
    report = check(root)
    assert report.usable and not report.faults
    assert [(count.split, count.images) for count in report.counts] == [
        ('instances_train2017', 4), ('instances_val2017', 2)]
    assert report.text().endswith('\nusable')


@pytest.mark.parametrize('name', FAULTS)
def test_a_planted_fault_is_named_with_its_file(name, root):
    plant, kinds, where, breaks = FAULTS[name]
    plant(root)
    report = check(root)
    assert {fault.kind for fault in report.faults} == kinds
    assert report.usable is not breaks
    assert where in report.text(most=99)


@pytest.mark.parametrize('name', ['empty box', 'no area in it', 'far box', 'unknown id', 'stray'])
def test_mmdet_indeed_skips_what_is_called_skipped(name, root):
    def count():
        data = CocoDataset(data_root=str(root), ann_file=f'annotations/{TRAIN}', pipeline=[],
                           data_prefix=dict(img='train2017'), test_mode=True,
                           metainfo=dict(classes=SCENE_CLASSES))
        return sum(len(data.get_data_info(index)['instances']) for index in range(len(data)))

    before = count()
    FAULTS[name][0](root)
    assert count() == before - 1


def test_classes_in_another_order_than_asked_for_are_pointed_out(root):
    report = check_coco(root, SPLITS, sorted(SCENE_CLASSES))
    assert not report.usable and len(report.of(coco.NAME_ORDER)) == 2
    assert not check_coco(root, SPLITS).faults


def test_what_training_leaves_out_is_counted(root):
    def change(content):
        content['images'][0]['width'] = 31
        second = content['images'][1]['id']
        content['annotations'] = [a for a in content['annotations'] if a['image_id'] != second]
        content['annotations'][-1]['iscrowd'] = 1
    rewrite(root, change)
    report = check(root)
    assert report.usable
    assert {(fault.path, fault.detail) for fault in report.of(data_report.LEFT_OUT)} == {
        (FIRST, '31x64, a side under 32 pixels'), ('000000000002.jpg', 'no box of a class')}
    content = json.loads((root / 'annotations' / TRAIN).read_text())
    trained = [a for a in content['annotations'] if a['image_id'] in (3, 4) and not a['iscrowd']]
    assert (f'MMDetection trains on 2 pictures, {len(trained)} objects') in report.text()


def test_more_boxes_than_coco_counts_are_pointed_out(root):
    path = root / 'annotations/instances_val2017.json'
    content = json.loads(path.read_text())
    box = content['annotations'][0]
    content['annotations'] = [{**box, 'id': 1 + i} for i in range(101)]
    path.write_text(json.dumps(content))
    [fault] = check(root).of(coco.MANY_BOXES)
    assert fault.detail.startswith('101 of ')


@pytest.mark.parametrize('name, trained', [
    ('train', True), ('instances_train2017', True), ('val', False), ('instances_val2017', False), ('test-dev', False),
    ('my_validation', False), ('latest', True), ('all', True)])
def test_a_split_whose_name_says_so_is_not_trained_on(name, trained):
    assert CocoSplit(f'annotations/{name}.json', 'images').is_trained_on is trained


def test_pictures_that_were_decoded_are_not_decoded_again(root, monkeypatch):
    decoded = []

    def look_at(paths, *rest):
        decoded.extend(paths)
        return pictures.look_at(paths, *rest)

    monkeypatch.setattr(seen_pictures, 'look_at', look_at)
    assert not check(root, seen=SeenPictures(root)).faults and len(decoded) == 6
    decoded.clear()
    cut(f'train2017/{FIRST}')(root)
    for _ in range(2):  # one with a fault is looked at each time
        report = check(root, seen=SeenPictures(root))
        assert [path.name for path in decoded] == [FIRST] and report.of(coco.BAD_PICTURE)
        decoded.clear()
    check(root, seen=SeenPictures(root, forget=True))
    assert len(decoded) == 6


@pytest.mark.parametrize('content', [b'', b'[]', b'{"a": 1}', b'{"train2017/000000000001.jpg": [[1, 2]]}', b'\xff'])
def test_a_memory_that_cannot_be_read_is_none(root, content):
    seen = SeenPictures(root)
    seen.path.parent.mkdir(parents=True)
    seen.path.write_bytes(content)
    assert not check(root, seen=SeenPictures(root)).faults


def test_without_mmdetection_the_verdict_says_so(root, monkeypatch):
    monkeypatch.setitem(sys.modules, 'mmdet', None)  # importing it raises an ImportError
    assert check(root).text().endswith('\nusable (MMDetection cannot be imported, and was not asked)')


def test_a_large_file_is_read_by_a_process_of_its_own(root, monkeypatch):
    here = check(root)
    monkeypatch.setattr(as_mmdet, 'LARGE', 0)
    there = check(root)
    assert there.counts == here.counts and there.counts[0].view is not None


def test_a_name_that_a_terminal_would_obey_is_shown_as_text(root):
    rewrite(root, lambda content: content['categories'][0].update(name='\x1b[2J\ud800'))
    text = check(root).text()
    assert r'\x1b[2J\ud800' in text and text.encode()


def test_other_counts_than_the_published_are_a_warning(root):
    report = check_coco(root)
    assert report.usable and '4 of 118,287 pictures' in report.text()


@pytest.mark.parametrize('text', ['annotations/train.json', ':images', ''])
def test_a_split_without_json_or_folder_is_refused(text):
    with pytest.raises(ValueError, match='expected JSON:FOLDER'):
        CocoSplit.parse(text)


def test_the_command_tells_usable_from_broken_and_misused(root, tool):
    own = ['--splits', ','.join(f'{split.annotations}:{split.pictures}' for split in SPLITS)]
    FAULTS['empty box'][0](root)
    warned = tool('prepare_coco', root, *own)
    assert (warned.returncode, warned.stdout.splitlines()[-1]) == (0, 'usable, with warnings')
    shutil.rmtree(root / 'train2017')
    broken = tool('prepare_coco', root)
    assert broken.returncode == 1 and FIRST in broken.stdout
    assert 'train2017.zip (18 GB)' in broken.stdout and 'val2017.zip' not in broken.stdout
    misused = tool('prepare_coco', root, *own, '--download')
    assert misused.returncode == 2 and 'leave out' in misused.stderr


def archives(address, suffix=''):
    return [Archive(f'{address}/{name}{suffix}.zip', '1 kB', (name, ))
            for name in ('annotations', 'train2017', 'val2017')]


def test_what_is_absent_is_downloaded_and_then_checked(root, served, tmp_path, capsys):
    folder, address = served
    for name in ('annotations', 'train2017', 'val2017'):
        shutil.make_archive(str(folder / name), 'zip', root, name)
    target = tmp_path / 'data/coco'
    shutil.copytree(root / 'val2017', target / 'val2017')
    code = prepare(target, lambda progress: check_coco(target, SPLITS, progress=progress),
                   archives(address), download=True)
    printed = capsys.readouterr().out
    assert code == 0 and printed.endswith('\nusable\n')
    assert printed.count('downloading') == 2 and 'val2017.zip' not in printed
    assert {path.name for path in target.iterdir()} == {'annotations', 'train2017', 'val2017'}


@pytest.mark.parametrize('name', ['absent', 'broken'])
def test_a_failed_download_is_no_folder(name, root, served, tmp_path):
    folder, address = served
    shutil.make_archive(str(folder / 'broken'), 'zip', root, 'train2017')
    with pytest.raises(RuntimeError, match=f'{name}.zip could not be downloaded completely'):
        fetch(Archive(f'{address}/{name}.zip', '1 kB', ('train2017', )), tmp_path / 'data')
    assert list((tmp_path / 'data').iterdir()) == []


def test_missing_pictures_ask_for_their_archive_only(root):
    (root / 'train2017' / FIRST).unlink()
    missing = [fault.path for fault in check(root).of(coco.NO_PICTURE)]
    assert [one.url.rpartition('/')[2] for one in COCO2017_ARCHIVES
            if one.is_missing(root, missing)] == ['train2017.zip']
