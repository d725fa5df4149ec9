"""The whole idea, small enough for a laptop: three pretrainings, their backbones carried into SSD
and Faster R-CNN, each also from random weights, on drawn scenes in COCO and VOC layout; one table
and one report."""
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from .datasets import progress_bar, write_scenes
from .files import write_text
from .jobs import Job, run_jobs
from .results import read_metrics
from .results.formats import markdown_table
from .results.make import REPORT, make_comparison
from .results.table import main_table

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ROOT / 'configs/demo'

BASELINE = 'ResNet-18'
PRETRAININGS = {  # row of the table -> pretraining config
    BASELINE: 'resnet18_scenes',
    'CutMix': 'resnet18-cutmix_scenes',
    'ResizeMix': 'resnet18-resizemix_scenes',
}
RANDOM = 'random weights'
DETECTORS = {  # column of the table -> detection config, its metric, seeds of each pretraining
    'COCO SSD': ('ssd96_r18_scenes-coco', 'coco/bbox_mAP', (0, 1)),
    'COCO Faster R-CNN': ('faster-rcnn_r18_scenes-coco', 'coco/bbox_mAP', (0, )),
    'VOC SSD': ('ssd96_r18_scenes-voc', 'pascal_voc/mAP', (0, 1)),
    'VOC Faster R-CNN': ('faster-rcnn_r18_scenes-voc', 'pascal_voc/mAP', (0, )),
}
TOP1 = 'accuracy/top1'
EXPORT_COST = 8
EVALUATIONS = 2  # a run, for a curve


@dataclass(frozen=True)
class Scale:
    """How much of everything. Costs are seconds, measured on two cores: they weigh the progress."""
    crops: tuple[int, int]  # a class, train and val
    coco: tuple[int, int]  # scenes, train and val
    voc: tuple[int, int, int]  # scenes: VOC2007 trainval, VOC2012 trainval, VOC2007 test
    pretrain_epochs: int
    detect_epochs: int
    pretrain_cost: float
    detect_cost: float


SCALES = dict(
    full=Scale((220, 50), (90, 60), (45, 45, 60), 6, 10, 75, 38),
    smoke=Scale((8, 4), (16, 8), (8, 8, 8), 1, 1, 10, 12),
)


class Demo:
    """The steps of the demo at one scale, and where everything of them lies."""

    def __init__(self, scale_name: str):
        self.scale = SCALES[scale_name]
        suffix = '' if scale_name == 'full' else f'-{scale_name}'
        self.data = ROOT / f'data/demo{suffix}'
        self.runs = ROOT / f'work_dirs/demo{suffix}'

    def prepare(self) -> None:
        """Draw the scenes, unless they are there.

        Raises:
            ValueError: the folders hold a demo of another version, whose results are not these.
        """
        scale, stamp = repr(self.scale), self.runs / 'scale.txt'
        if stamp.is_file() and stamp.read_text() != scale:
            raise ValueError(f'{self.runs} holds runs of another version of the demo; remove it '
                             f'and {self.data}')
        with progress_bar('drawing the scenes') as progress:
            write_scenes(self.data, crops=self.scale.crops, crop_size=48, coco=self.scale.coco,
                         voc=self.scale.voc, scene_size=(96, 96), progress=progress)
        write_text(stamp, scale)

    def jobs(self) -> list[Job]:
        mixing = [row for row in PRETRAININGS if row != BASELINE]
        return [job for row in PRETRAININGS for job in (self._pretrain(row), self._export(row))] + [
            self._show(row) for row in mixing
        ] + [self._detect(column, row, seed) for column, (*_, seeds) in DETECTORS.items()
             for row in [*PRETRAININGS, RANDOM] for seed in (seeds[:1] if row == RANDOM else seeds)]

    def folder(self, *names: str) -> Path:
        return self.runs.joinpath(*(name.lower().replace(' ', '-') for name in names))

    def backbone(self, row: str) -> Path:
        return self.folder('backbones', row) / 'backbone.pth'

    def picture(self, row: str) -> Path:
        return self.runs / f'mixed-by-{row.lower()}.png'

    def _pretrain(self, row: str) -> Job:
        folder, epochs = self.folder('pretrain', row), self.scale.pretrain_epochs
        last = folder / f'epoch_{epochs}.pth'
        config = CONFIGS / f'{PRETRAININGS[row]}.py'
        return Job(
            f'pretrain {row}',
            _tool('train', config, '--work-dir', folder, '--resume', '--cfg-options',
                  f'train_cfg.max_epochs={epochs}', f'param_scheduler.T_max={epochs}'),
            folder,
            cost=self.scale.pretrain_cost,
            epochs=epochs,
            complete=lambda: TOP1 in read_metrics(folder, epochs),
            repair=_tool('test', config, last, '--work-dir', folder))

    def _export(self, row: str) -> Job:
        checkpoint = self.folder('pretrain', row) / f'epoch_{self.scale.pretrain_epochs}.pth'
        method = 'baseline' if row == BASELINE else row.lower()
        return Job(
            f'export {row}',
            _tool('export_backbone', checkpoint, self.backbone(row), '--method', method),
            self.backbone(row).parent,
            needs=(f'pretrain {row}', ),
            cost=EXPORT_COST,
            complete=self.backbone(row).is_file)

    def _show(self, row: str) -> Job:
        return Job(
            f'draw mixes of {row}',
            _tool('show_mix', CONFIGS / f'{PRETRAININGS[row]}.py', self.picture(row)),
            self.folder('pictures', row),
            cost=EXPORT_COST,
            complete=self.picture(row).is_file)

    def _detect(self, column: str, row: str, seed: int) -> Job:
        folder, epochs = self.folder(column, row) / f'seed-{seed}', self.scale.detect_epochs
        name, metric, _ = DETECTORS[column]
        config = CONFIGS / f'{name}.py'
        return Job(
            f'{column} from {row}, seed {seed}',
            _tool('train', config, '--backbone', 'random' if row == RANDOM else self.backbone(row),
                  '--work-dir', folder, '--seed', seed, '--resume', '--cfg-options',
                  f'train_cfg.max_epochs={epochs}',
                  f'train_cfg.val_interval={max(1, epochs // EVALUATIONS)}'),
            folder,
            needs=() if row == RANDOM else (f'export {row}', ),
            cost=self.scale.detect_cost,
            epochs=epochs,
            complete=lambda: metric in read_metrics(folder, epochs),
            repair=_tool('test', config, folder / f'epoch_{epochs}.pth', '--work-dir', folder))


def _tool(name: str, *arguments: object) -> tuple[str, ...]:
    return (sys.executable, str(ROOT / f'tools/{name}.py'), *map(str, arguments))


def run_demo(scale_name: str, console: Console) -> int:
    """Draw the scenes, run every step that is not done, write the table and the report.

    Args:
        scale_name: a key of :data:`SCALES`.

    Returns:
        The exit code: 0, or 1 where a step failed.
    """
    demo = Demo(scale_name)
    demo.prepare()
    cpus = os.cpu_count() or 1
    at_once = min(2, cpus)
    threads = str(cpus // at_once)
    failed = run_jobs(
        demo.jobs(), at_once,
        dict(OMP_NUM_THREADS=threads, MMRESIZEMIX_DEMO_DATA=str(demo.data),
             PYTHONWARNINGS='ignore'), console)
    out = demo.runs / 'comparison'
    comparison = make_comparison([demo.runs], out)
    console.print(f'\n{markdown_table(main_table(comparison))}', highlight=False, markup=False,
                  soft_wrap=True)
    console.print('In percent: top-1 on crops, COCO AP, VOC mAP, on drawn scenes: a demonstration, '
                  'not a result.', highlight=False)
    for what, path in [('Report', out / REPORT), ('Table', out / 'table.md'),
                       ('Scenes', demo.data), ('Runs and their logs', demo.runs)]:
        console.print(f'{what}: {path}', highlight=False, soft_wrap=True)
    if failed:
        console.print(f'Failed or left out: {", ".join(failed)}. The same command tries again.')
    return 1 if failed else 0
