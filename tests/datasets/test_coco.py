"""Tests that a sound COCO folder passes the check, and that each planted fault is named with its file."""
import json
import shutil

import pytest
from mmdet.datasets import CocoDataset

from mmresizemix.datasets import (
    COCO2017,
    COCO2017_ARCHIVES,
    SCENE_CLASSES,
    Archive,
    CocoSplit,
    check_coco,
    coco,
    fetch,
    prepare,
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
    'listed twice': (listed_twice, {coco.REPEATED_FILE}, FIRST, False),
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
    assert report.usable and len(report.of(coco.NAME_ORDER)) == 2
    assert not check_coco(root, SPLITS).faults


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
