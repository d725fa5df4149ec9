"""Read folders of runs of MMDetection and MMPretrain, ours or others', into records.

This module reads files only.
"""
import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from .config_text import read_config_text
from .configs import (
    TABLE_ROW,
    classified_set,
    classifier_config,
    classifier_name,
    comparable,
    dataset_facts,
    detector_name,
    evaluator_of,
    method_of,
)
from .detection_index import FOLDER, TRUTH, DumpIndex
from .logs import Log, read_log, starts_of
from .run import RANDOM_UNVERIFIED, TOP1, VOC_BY_MODE, Fault, Run

RECORD = 'backbone.json'  # written by mmresizemix.BackboneGuard
LOGGED = {  # our name of a metric -> the logged one
    'AP': 'coco/bbox_mAP', 'AP50': 'coco/bbox_mAP_50', 'AP75': 'coco/bbox_mAP_75',
    'APs': 'coco/bbox_mAP_s', 'APm': 'coco/bbox_mAP_m', 'APl': 'coco/bbox_mAP_l'}
BEST, LAST = 'best', 'last'
CLASSIFIERS = 'mmpretrain'  # the default_scope of their configs
OTHER_KIND = 'a run of mmpretrain, not of a detector'


def read_runs(paths: Sequence[str | Path], epoch: str = LAST,
              annotations: Path | None = None, progress: Callable[[int, int], None] | None = None
              ) -> tuple[list[Run], list[Fault]]:
    """Read every run under ``paths``, at any depth.

    If there are detectors, the classifiers are what they were pretrained from, and are left out.

    Args:
        epoch: 'last', or 'best' by the primary metric. The best epoch is optimistic, since it is
            chosen on the evaluation set itself.
        annotations: a COCO json for runs whose own annotations are not on this machine.
        progress: is called with (folders read, folders in all).

    Returns:
        A tuple (runs, faults). The faults are the folders that give no record and the flaws of
        those that do, each with the reason.
    """
    runs: list[Run] = []
    faults: list[Fault] = []
    folders = find_runs(paths, faults)
    for done, folder in enumerate(folders, 1):
        # A folder that cannot be read is reported, and the others are read all the same.
        try:
            run = _read_run(folder, epoch, annotations)
        except NotARun as error:
            faults.append(Fault(folder, str(error), error.bad))
        except OSError as error:
            faults.append(Fault(folder, f'cannot be read ({error.strerror}: {error.filename})'))
        else:
            runs.append(run)
            faults += [Fault(folder, note) for note in run.notes]
        if progress:
            progress(done, len(folders))
    # Classifiers are compared only among themselves.
    if not all(run.is_classifier for run in runs):
        faults += [Fault(r.folder, OTHER_KIND, bad=False) for r in runs if r.is_classifier]
        runs = [r for r in runs if not r.is_classifier]
    return runs, faults


def find_runs(paths: Sequence[str | Path], faults: list[Fault]) -> list[Path]:
    """Find the folders that hold starts of MMEngine runs.

    Folders that are missing, cannot be entered or hold no run are added to ``faults``.
    """
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.is_dir():
            faults.append(Fault(path, 'no such folder'))
            continue
        here = list(_walk(path, faults))
        # A folder that could not be entered is a fault already, and may hold runs.
        if not here and not any(f.folder.is_relative_to(path) for f in faults):
            faults.append(Fault(path, 'holds no run of MMEngine (no <date>_<time> folder with '
                                      'vis_data or a log in it)'))
        found += here
    # Given paths may overlap, and links may name a folder twice.
    return list(dict.fromkeys(p.resolve() for p in found))


def _walk(top: Path, faults: list[Fault]) -> Iterator[Path]:
    def tell(error: OSError) -> None:
        faults.append(Fault(Path(error.filename), f'cannot be read ({error.strerror})'))

    for folder, names, _ in os.walk(top, onerror=tell):
        names.sort()
        starts = [p for p in starts_of(folder) if _is_start(p)]
        if starts:
            yield Path(folder)
            # os.walk enters only what stays in ``names``: starts and detections hold no runs.
            names[:] = [n for n in names if n not in {p.name for p in starts} | {FOLDER}]


def _is_start(folder: Path) -> bool:
    return (folder / 'vis_data').is_dir() or (folder / f'{folder.name}.log').is_file()


class NotARun(Exception):
    """The error for a folder that gives no record. Its message is the reason."""

    def __init__(self, reason: str, bad: bool = True):
        super().__init__(reason)
        self.bad = bad


def _read_run(folder: Path, epoch: str, annotations: Path | None) -> Run:
    # The config says which package the run is of.
    config, name = _config_of(folder)
    if config.get('default_scope') == CLASSIFIERS:
        return _read_classifier(folder, config, name, epoch)
    if config.get('default_scope', 'mmdet') != 'mmdet':
        raise NotARun(f'a run of {config["default_scope"]}, not of a detector', bad=False)
    # What the run has left: MMEngine's logs, the guard's record, the index of its detections.
    log = read_log(folder)
    record = _record(folder)
    index = _index(folder)
    # The metrics by epoch, and the epoch that counts.
    kind, dataset = dataset_facts(config)
    curve = _curve(log, index, config, kind)
    at = _epoch(config, log, curve, epoch)
    metrics = curve[at]
    primary = next(m for m in ('AP', *VOC_BY_MODE.values()) if m in metrics)
    truth, detections, sha256 = _files(folder, config, index, at, annotations, max(curve))
    method, pretraining, source, top1 = _pretraining(record, config)
    return Run(
        folder=folder, method=method, verified=record is not None, pretraining=pretraining,
        source=source, top1=top1, detector=detector_name(config), kind=kind, dataset=dataset,
        config_name=name, epoch=at, metrics=metrics,
        curve={e: m[primary] for e, m in sorted(curve.items()) if primary in m},
        rounded=_is_rounded(config, kind), truth=truth, detections=detections,
        truth_sha256=sha256, pictures=_pictures(config, folder),
        versions={**log.versions, **(index.versions if index else {})},
        config=comparable(config, log.gpus), **_as_logged(folder, log, config))


def _read_classifier(folder: Path, config: dict[str, Any], name: str, epoch: str) -> Run:
    """Read the run of a classifier.

    Every training of a classifier is a draw of its own, so each counts as a pretraining.
    """
    # MMPretrain logs top-1 in percent; records hold metrics in 0..1.
    log = read_log(folder)
    curve = {e: {TOP1: v['accuracy/top1'] / 100} for e, v in log.validations.items()
             if 'accuracy/top1' in v}
    # A test counts as the last epoch's if that was not validated.
    last = config.get('train_cfg', {}).get('max_epochs')
    if 'accuracy/top1' in log.test and last and last not in curve:
        curve[last] = {TOP1: log.test['accuracy/top1'] / 100}
    at = _epoch(config, log, curve, epoch)
    row = config.get(TABLE_ROW) or {}
    augments = (config['model'].get('train_cfg') or {}).get('augments')
    return Run(
        folder=folder, method=row.get('name') or method_of(augments) or 'unknown', verified=True,
        pretraining=str(folder), source=None, top1=None,
        detector=classifier_name(config), kind=classified_set(config),
        dataset=classified_set(config), config_name=name, epoch=at, metrics=curve[at],
        curve={e: m[TOP1] for e, m in sorted(curve.items())}, rounded=False, truth=None,
        detections=None, truth_sha256=None, pictures=None, versions=log.versions,
        config=classifier_config(config, log.gpus),
        column=row.get('column'), place=row.get('place'), **_as_logged(folder, log, config))


def _as_logged(folder: Path, log: Log, config: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that the records of detectors and classifiers have in common."""
    # A seed in the config goes before the logged one, which a later start may have drawn anew.
    declared = (config.get('randomness') or {}).get('seed')
    batch, step = config.get('train_dataloader', {}).get('batch_size'), log.seconds_a_step
    return dict(
        seed=declared if declared is not None else log.seed, started=starts_of(folder)[0].name,
        hours=log.hours, peak_memory=log.peak_memory,
        images_per_second=batch * (log.gpus or 1) / step if batch and step else None,
        notes=tuple(f'{place}: a line that is not whole json' for place in log.cut_off))


def _config_of(folder: Path) -> tuple[dict[str, Any], str]:
    """Return (the resolved config of the newest start, the name of its file)."""
    # MMEngine dumps the config under its own name into the folder, and as config.py in each start.
    dumped = sorted(folder.glob('*.py'))
    candidates = [p for start in reversed(starts_of(folder))
                  for p in [start / 'vis_data' / 'config.py'] if p.is_file()] + dumped
    for path in candidates:
        config = read_config_text(path.read_text(encoding='utf-8', errors='replace'))
        if isinstance(config.get('model'), dict):
            return config, dumped[0].stem if dumped else folder.name
    raise NotARun('has no config (looked for <start>/vis_data/config.py and *.py)')


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


def _curve(log: Log, index: DumpIndex | None, config: dict[str, Any],
           kind: str) -> dict[int, dict[str, float]]:
    """Return the metrics by epoch, by our names.

    If the last epoch was not validated, e.g. because the run was killed in its last validation, a
    test counts as the validation of that epoch.
    """
    # The index of detections also has epochs that were tested only, not validated.
    logged = {epoch: dict(values) for epoch, values in log.validations.items()}
    if index:
        for epoch, dump in index.epochs.items():
            if epoch.isdigit():  # the other name is 'test'
                logged.setdefault(int(epoch), {}).update(dump.metrics)
    last = config.get('train_cfg', {}).get('max_epochs')
    if log.test and last and last not in logged:
        logged[last] = log.test
    # From logged names to ours. VOC's mAP is named by how it is computed, so that modes never mix.
    mode = VOC_BY_MODE[evaluator_of(config, 'val').get('eval_mode', '11points')]
    names = LOGGED if kind == 'COCO' else {mode: 'pascal_voc/mAP'}
    curve = {epoch: {ours: values[theirs] for ours, theirs in names.items() if theirs in values}
             for epoch, values in logged.items()}
    if kind == 'VOC':  # the logged AP50 is rounded, while the mAP has every digit
        for number, values in curve.items():
            if mode in values:
                values['AP50 logged'] = logged[number].get('pascal_voc/AP50', float('nan'))
    return {epoch: values for epoch, values in curve.items() if values}


def _epoch(config: dict[str, Any], log: Log, curve: dict[int, dict[str, float]],
           which: str) -> int:
    """Return the epoch that counts.

    Args:
        which: 'last' or 'best'.

    Raises:
        NotARun: the run is not finished, has no metric, or became NaN.
    """
    last = config.get('train_cfg', {}).get('max_epochs')
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
    primary = next(m for m in (TOP1, 'AP', *VOC_BY_MODE.values()) if m in curve[reached])
    if math.isnan(curve[reached][primary]):
        raise NotARun(f'its {primary} is NaN at epoch {reached}')
    if which == BEST:
        # Of epochs with equal metrics, the last one counts.
        return max(curve, key=lambda e: (curve[e].get(primary, -1), e))
    return reached


def _files(folder: Path, config: dict[str, Any], index: DumpIndex | None, epoch: int,
           annotations: Path | None, last: int) -> tuple[Path | None, Path | None, str | None]:
    """Return (truth, detections, sha256 of the truth) of ``epoch``, None for what is not here."""
    # Our own dump knows its epochs. Without one, mmdet's may be there (outfile_prefix).
    if index:
        dump = index.epochs.get(str(epoch)) or (index.epochs.get('test') if epoch == last else None)
        found = folder / FOLDER / dump.file if dump else None
        return (folder / FOLDER / TRUTH, found if found and found.is_file() else None,
                index.truth_sha256)
    if epoch != last:
        return None, None, None  # mmdet's dump holds the newest evaluation only
    for which in ('test', 'val'):
        evaluator = evaluator_of(config, which)
        prefix = evaluator.get('outfile_prefix')
        found = _locate(f'{prefix}.bbox.json', folder) if prefix else None
        if found:
            ann_file = evaluator.get('ann_file')
            return annotations or (_locate(ann_file, folder) if ann_file else None), found, None
    return None, None, None


def _locate(name: str, folder: Path) -> Path | None:
    """Find a file that a config names relative to the folder in which the run was started.

    That folder is not known, so the current folder, the folder of the run and the folders above it
    are searched.
    """
    places = [Path(name), folder / Path(name).name, *(p / name for p in folder.parents)]
    return next((p for p in places if p.is_file()), None)


def _pictures(config: dict[str, Any], folder: Path) -> Path | None:
    # COCO's config names the folder of pictures; VOC's is fixed inside its sub_data_root.
    dataset = config.get('val_dataloader', {}).get('dataset', {})
    prefix = dataset.get('data_prefix', {})
    inside = prefix.get('img') or str(Path(prefix.get('sub_data_root', '')) / 'JPEGImages')
    name = Path(dataset.get('data_root') or '.') / inside
    places = (name, *(above / name for above in folder.parents))
    return next((p for p in places if p.is_dir()), None)


def _pretraining(record: dict[str, Any] | None,
                 config: dict[str, Any]) -> tuple[str, str | None, str | None, float | None]:
    """Return (method, digest, source, top-1) of the pretraining.

    Without a record of the guard, the file that the config names is all that is known. The method
    is then marked as unverified.
    """
    if record is not None:
        stamp = record.get('stamp') or {}
        source = stamp.get('source') or record.get('file')
        method = record.get('method') or Path(str(record.get('file'))).stem
        return method, record.get('digest'), source, stamp.get('top1')
    init_cfg = config.get('model', {}).get('backbone', {}).get('init_cfg')
    found = init_cfg if isinstance(init_cfg, list) else [init_cfg]
    named = next((c['checkpoint'] for c in found if isinstance(c, dict) and 'checkpoint' in c),
                 None)
    if named is None:
        return RANDOM_UNVERIFIED, None, None, None
    return f'{Path(named).name} (unverified)', named, named, None


def _is_rounded(config: dict[str, Any], kind: str) -> bool:
    kinds = str(evaluator_of(config, 'val').get('type', ''))
    return kind == 'COCO' and not kinds.startswith('mmresizemix.')
