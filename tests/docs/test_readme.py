"""Tests of the README and of the pages for a user's own data. Each command is run, in the order of the pages, in a copy
of the checkout with drawn data in place of a user's. The errors that docs/errors.md explains are ones that the code can
say.

Trainings are cut to one epoch. What ``make`` does, .ci/run does.
"""
import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import torch
import torchvision

from mmresizemix.datasets import write_scenes

ROOT = Path(__file__).resolve().parents[2]
PAGES = [(ROOT / page).read_text(encoding='utf-8')
         for page in ('README.md', 'docs/own-pictures.md', 'docs/table5.md')]
ERRORS = (ROOT / 'docs/errors.md').read_text(encoding='utf-8')
COMMANDS = [line.replace('\\\n', ' ')
            for page in PAGES for block in re.findall(r'```bash\n(.*?)```', page, re.DOTALL)
            for line in re.split(r'(?<!\\)\n', block) if line and not line.startswith('#')]
MAKES = [command.split()[1] for command in COMMANDS if command.startswith('make ')]
RUN_HERE = [c for c in COMMANDS if not c.startswith(('make ', 'source '))]
SHORT = ('train_cfg.max_epochs=1 train_dataloader.dataset.times=1 train_dataloader.batch_size=2 '
         'train_dataloader.num_workers=0 val_dataloader.num_workers=0 val_dataloader.persistent_workers=False')
SETTINGS = {key: ast.literal_eval(value) for key, value in (option.split('=') for option in SHORT.split())}
SHORTER = {
    'configs/custom/resnet18_folder.py': {  # the six classes drawn, one epoch, and no workers that one waits for
        '100, 64, 10': '6, 64, 1',
        'train_dataloader = dict(': 'train_dataloader = dict(num_workers=0, ',
        'val_dataloader = dict(': 'val_dataloader = dict(num_workers=0, '},
    'configs/plans/custom_example.py': {  # one seed of one detector, which is trained on the CPU for one epoch
        "config='../custom/ssd_r18_voc.py')": f"config='../custom/ssd_r18_voc.py', options={SETTINGS})",
        "    dict(name='Faster R-CNN', config='../custom/faster-rcnn_r18_voc.py'),\n": '',
        'seeds = [0, 1]': 'seeds = [0]', 'gpus_per_run = 1': 'gpus_per_run = 0'}}
NAMES = dict(circle='RBC', ring='RBC', square='WBC', cross='WBC', triangle='Platelets',
             star='Platelets')
VOC_NAMES = dict(circle='cat', ring='dog', square='car', cross='bus', triangle='boat', star='bird')


@pytest.fixture(scope='module')
def checkout(tmp_path_factory, copy_tree):
    """The checkout of a user who has followed the README: the data are in place, and a plan is edited."""
    root = copy_tree(tmp_path_factory.mktemp('checkout'), SHORTER)
    drawn = write_scenes(root / 'drawn', crops=(11, 3), coco=(0, 0), voc=(2, 1, 2),
                         scene_size=(96, 96))
    shutil.copytree(drawn / 'classification', root / 'data/my_pictures')
    shutil.copytree(drawn / 'VOCdevkit', root / 'data/VOCdevkit')
    shutil.copytree(drawn / 'VOCdevkit/VOC2007', root / 'data/my_set')
    _rename_classes(root / 'data/my_set', NAMES)
    _rename_classes(root / 'data/VOCdevkit', VOC_NAMES)
    torch.save(torchvision.models.resnet50().state_dict(), root / 'my_resnet50.pth')
    return root


def _rename_classes(folder, names):
    for path in folder.rglob('Annotations/*.xml'):
        path.write_text(re.sub(r'<name>(\w+)</name>', lambda m: f'<name>{names[m[1]]}</name>',
                               path.read_text()))


def as_run_here(command):
    """Return ``command`` with its trainings as short as in these tests."""
    if re.search(r'train.py configs/(custom/)?ssd', command):
        command = re.sub(r'( +#.*)?$', f' --cfg-options {SHORT}', command, count=1)
    return command.replace('epoch_24.pth', 'epoch_1.pth').replace('epoch_10.pth', 'epoch_1.pth')


@pytest.mark.parametrize('command', RUN_HERE)
def test_a_command_runs(checkout, run_script, command):
    done = run_script(as_run_here(command), checkout)
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_commands_left_what_they_promise(checkout):
    assert (checkout / 'mixed.png').stat().st_size > 10_000
    assert (checkout / 'work_dirs/ssd_resizemix/backbone.json').is_file()
    table = (checkout / 'work_dirs/comparison/table.md').read_text()
    assert 'baseline' in table and 'ResizeMix' in table
    assert (checkout / 'work_dirs/custom_example/comparison/report.html').is_file()


@pytest.mark.parametrize('target', sorted(set(MAKES)))
def test_a_target_of_make_exists(target):
    done = subprocess.run(['make', '-n', target], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


SOURCE = '\n'.join(path.read_text() for path in (ROOT / 'mmresizemix').rglob('*.py'))
# What the code can say: texts that are written in several lines are one, and values are {}.
SAID = re.sub(r'\{[^}]*\}', '{}', re.sub(r'([\'"])\s*\n\s*f?\1', '', SOURCE))
EXPLAINED = [message for cell in re.findall(r'^\| (`[^|]+`) \|', ERRORS, re.MULTILINE)
             for message in re.findall('`([^`]+)`', cell)]


@pytest.mark.parametrize('message', EXPLAINED)
def test_an_error_that_is_explained_can_be_said(message):
    assert re.sub(r'\b58\b', '{}', message) in SAID
