"""Read the folder of one run of MMDetection or MMPretrain, ours or others', into a record.

This module reads files only.
"""
import json
import math
from pathlib import Path
from typing import Any

from .config_text import read_config_text
from .detection_index import FOLDER, TRUTH, DumpIndex
from .logs import Log, read_log, starts_of
from .run import (
    MASK_AP,
    OF_MASKS,
    RANDOM_UNVERIFIED,
    TOP1,
    Kept,
    Origin,
    Provenance,
    Run,
    primary_of,
)
from .run_config import DETECTORS, RunConfig

RECORD = 'backbone.json'  # written by mmresizemix.BackboneGuard
BOXES = {  # our name of a metric -> the logged one
    'AP': 'coco/bbox_mAP', 'AP50': 'coco/bbox_mAP_50', 'AP75': 'coco/bbox_mAP_75',
    'APs': 'coco/bbox_mAP_s', 'APm': 'coco/bbox_mAP_m', 'APl': 'coco/bbox_mAP_l'}
LOGGED = {**BOXES, **{OF_MASKS + ours: theirs.replace('bbox', 'segm')
                      for ours, theirs in BOXES.items()}}
BEST, LAST = 'best', 'last'

Curve = dict[int, dict[str, float]]  # the metrics of each epoch, by our names


class NotARun(Exception):
    """The error for a folder that gives no record. Its message is the reason."""

    def __init__(self, reason: str, bad: bool = True):
        super().__init__(reason)
        self.bad = bad


def read_run(folder: Path, epoch: str = LAST, annotations: Path | None = None) -> Run:
    """Read the run in ``folder``.

    Args:
        epoch: 'last' or 'best', as for :func:`~mmresizemix.runs.read_runs`.
        annotations: a COCO json for a run whose own annotations are not on this machine.

    Raises:
        NotARun: the folder gives no record.
        OSError: a file cannot be read.
    """
    # The config says which package the run is of.
    config = read_run_config(folder)
    if not config.is_classifier and config.scope != DETECTORS:
        raise NotARun(f'a run of {config.scope}, not of a detector', bad=False)
    log = read_log(folder)
    if config.is_classifier:
        # Each training of a classifier is a draw of its own, so it counts as a pretraining.
        origin = Origin(config.method or 'unknown', verified=True, pretraining=str(folder))
        index, curve = None, _top1_curve(config, log)
    else:
        # What our hooks have left: the guard's record, and the index of the detections.
        origin, index = _origin(_record(folder), config), _index(folder)
        curve = _curve(config, log, index)
    # The epoch that counts, and what belongs to it.
    at = _epoch(config, log, curve, epoch)
    primary = primary_of(curve[at])
    kept = Kept() if config.is_classifier else _kept(folder, config, index, at, annotations,
                                                     newest=at == max(curve))
    return Run(
        folder=folder, config=config, origin=origin,
        # A seed in the config goes before the logged one, which a later start may have drawn anew.
        seed=config.seed if config.seed is not None else log.seed,
        settings=config.settings(log.gpus), epoch=at, metrics=curve[at],
        curve=_curve_of(primary, curve), mask_curve=_curve_of(MASK_AP, curve),
        kept=kept, provenance=_provenance(folder, config, log, index),
        notes=tuple(f'{place}: a line that is not complete json' for place in log.cut_off))


def _curve_of(metric: str, curve: Curve) -> dict[int, float]:
    return {epoch: values[metric] for epoch, values in sorted(curve.items()) if metric in values}


def _provenance(folder: Path, config: RunConfig, log: Log, index: DumpIndex | None) -> Provenance:
    batch, step = config.batch_size, log.seconds_a_step
    return Provenance(
        started=starts_of(folder)[0].name, hours=log.hours, peak_memory=log.peak_memory,
        images_per_second=batch * (log.gpus or 1) / step if batch and step else None,
        versions={**log.versions, **(index.versions if index else {})})


def read_run_config(folder: Path) -> RunConfig:
    """Read the config of the newest training of a run, with the test evaluator of the newest start,
    which may be of a test.

    Raises:
        NotARun: there is none.
    """
    # MMEngine dumps the config under its own name into the folder, and as config.py in each start.
    dumped = sorted(folder.glob('*.py'))
    candidates = [p for start in reversed(starts_of(folder))
                  for p in [start / 'vis_data' / 'config.py'] if p.is_file()] + dumped
    read = [(path, read_config_text(path.read_text(encoding='utf-8', errors='replace')))
            for path in candidates]
    read = [(path, config) for path, config in read if isinstance(config.get('model'), dict)]
    if not read:
        raise NotARun('has no config (looked for <start>/vis_data/config.py and *.py)')
    # Only a training leaves scalars. A test may be given a config that was not trained.
    newest = read[0][1]
    trained = next((c for path, c in read if path.with_name('scalars.json').is_file()), newest)
    tested = {k: v for k, v in newest.items() if k == 'test_evaluator'}
    return RunConfig.parse({**trained, **tested}, dumped[0].stem if dumped else folder.name)


def read_backbone(work_dir: str | Path) -> dict[str, Any]:
    """Return what the guard proved about the backbone of a run, or {} if the guard did not run."""
    record = Path(work_dir) / RECORD
    return json.loads(record.read_text(encoding='utf-8')) if record.is_file() else {}


def _record(folder: Path) -> dict[str, Any] | None:
    try:
        return read_backbone(folder) or None
    except ValueError:
        raise NotARun(f'{RECORD}: not json, or cut off') from None


def _index(folder: Path) -> DumpIndex | None:
    try:
        return DumpIndex.read(folder / FOLDER)
    except ValueError as error:
        raise NotARun(str(error)) from None


def _top1_curve(config: RunConfig, log: Log) -> Curve:
    # MMPretrain logs top-1 in percent; records hold metrics in 0..1.
    curve = {e: {TOP1: v['accuracy/top1'] / 100} for e, v in log.validations.items()
             if 'accuracy/top1' in v}
    # A test counts as the last epoch's if that was not validated.
    last = config.max_epochs
    if 'accuracy/top1' in log.test and last and last not in curve:
        curve[last] = {TOP1: log.test['accuracy/top1'] / 100}
    return curve


def _curve(config: RunConfig, log: Log, index: DumpIndex | None) -> Curve:
    """Return the metrics of a detector by epoch.

    If the last epoch was not validated, e.g. because the run was killed in its last validation, a
    test counts as the validation of that epoch.
    """
    # The index of detections also has epochs that were tested only, not validated.
    logged = {epoch: dict(values) for epoch, values in log.validations.items()}
    if index:
        for epoch, dump in index.epochs.items():
            if epoch.isdigit():  # the other name is 'test'
                logged.setdefault(int(epoch), {}).update(dump.metrics)
    if log.test and config.max_epochs and config.max_epochs not in logged:
        logged[config.max_epochs] = log.test
    # From logged names to ours.
    mode = config.voc_metric
    names = LOGGED if config.kind == 'COCO' else {mode: 'pascal_voc/mAP'}
    curve = {epoch: {ours: values[theirs] for ours, theirs in names.items() if theirs in values}
             for epoch, values in logged.items()}
    if config.kind == 'VOC':  # the logged AP50 is rounded, while the mAP has every digit
        for number, values in curve.items():
            if mode in values:
                values['AP50 logged'] = logged[number].get('pascal_voc/AP50', float('nan'))
    return {epoch: values for epoch, values in curve.items() if values}


def _epoch(config: RunConfig, log: Log, curve: Curve, which: str) -> int:
    """Return the epoch that counts.

    Args:
        which: 'last' or 'best'.

    Raises:
        NotARun: the run is not finished, has no metric, or became NaN.
    """
    last = config.max_epochs
    # Broken runs are looked for first: they are errors even if they are also unfinished.
    if log.nan_epoch is not None:
        raise NotARun(f'its loss is NaN from epoch {log.nan_epoch} on')
    validated = max(log.validations, default=0)
    if validated and not log.validations[validated]:
        raise NotARun(f'its validation of epoch {validated} gave no metric: nothing was detected')
    # Unfinished runs are listed, but they are no errors.
    if not curve:
        raise NotARun('was never evaluated (no metric in its logs)', bad=False)
    reached = max(curve)
    if last and reached < last:
        raise NotARun(f'not finished: evaluated at epoch {reached} of {last}', bad=False)
    primary = primary_of(curve[reached])
    if math.isnan(curve[reached][primary]):
        raise NotARun(f'its {primary} is NaN at epoch {reached}')
    if which == BEST:
        # Of epochs with equal metrics, the last one counts.
        return max(curve, key=lambda e: (curve[e].get(primary, -1), e))
    return reached


def _kept(folder: Path, config: RunConfig, index: DumpIndex | None, epoch: int,
          annotations: Path | None, newest: bool) -> Kept:
    """Return the files of ``epoch`` that can be evaluated again.

    Args:
        newest: whether ``epoch`` is the last one that was evaluated.
    """
    pictures = _pictures(folder, config)
    # Our own dump knows its epochs. Without one, mmdet's may be there (outfile_prefix).
    if index:
        dump = index.epochs.get(str(epoch)) or (index.epochs.get('test') if newest else None)
        boxes, masks = (_there(folder / FOLDER / name) if name else None for name in
                        ((dump.file, dump.masks) if dump else (None, None)))
        return Kept(folder / FOLDER / TRUTH, boxes, index.truth_sha256, pictures, masks)
    # mmdet's dump holds the newest evaluation only.
    for which in ('test', 'val') if newest else ():
        evaluator = config.evaluator(which)
        prefix = evaluator.get('outfile_prefix')
        boxes, masks = (_locate(f'{prefix}.{kind}.json', folder) if prefix else None
                        for kind in ('bbox', 'segm'))
        if boxes:
            ann_file = evaluator.get('ann_file')
            truth = annotations or (_locate(ann_file, folder) if ann_file else None)
            return Kept(truth, boxes, pictures=pictures, masks=masks)
    return Kept(pictures=pictures)


def _there(path: Path) -> Path | None:
    return path if path.is_file() else None


def _locate(name: str, folder: Path) -> Path | None:
    """Find a file that a config names relative to the folder in which the run was started.

    That folder is not known, so the current folder, the folder of the run and the folders above it
    are searched.
    """
    places = [Path(name), folder / Path(name).name, *(p / name for p in folder.parents)]
    return next((p for p in places if p.is_file()), None)


def _pictures(folder: Path, config: RunConfig) -> Path | None:
    # COCO's config names the folder of pictures; VOC's is fixed inside its sub_data_root.
    dataset = config.values.get('val_dataloader', {}).get('dataset', {})
    prefix = dataset.get('data_prefix', {})
    inside = prefix.get('img') or str(Path(prefix.get('sub_data_root', '')) / 'JPEGImages')
    name = Path(dataset.get('data_root') or '.') / inside
    places = (name, *(above / name for above in folder.parents))
    return next((p for p in places if p.is_dir()), None)


def _origin(record: dict[str, Any] | None, config: RunConfig) -> Origin:
    """Return the origin of a detector's backbone.

    Without a record of the guard, the file that the config names is all that is known. The method
    is then marked as unverified.
    """
    if record is not None:
        stamp = record.get('stamp') or {}
        method = record.get('method') or Path(str(record.get('file'))).stem
        return Origin(method, True, record.get('digest'),
                      stamp.get('source') or record.get('file'), stamp.get('top1'),
                      stamp.get('settings'))
    named = config.checkpoint
    if named is None:
        return Origin(RANDOM_UNVERIFIED, False, None)
    return Origin(f'{Path(named).name} (unverified)', False, named, named)
