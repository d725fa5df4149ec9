"""Folders of MMDetection's and MMPretrain's runs, ours or anyone's -> records. Reads files only."""
import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..config_text import read_config_text
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
from .dump import FOLDER, TRUTH, DumpIndex
from .logs import Log, read_log, starts_of
from .run import RANDOM_UNVERIFIED, TOP1, VOC_BY_MODE, Fault, Run

RECORD = 'backbone.json'  # written by mmresizemix.BackboneGuard
LOGGED = {  # our name of a metric -> the logged one
    'AP': 'coco/bbox_mAP', 'AP50': 'coco/bbox_mAP_50', 'AP75': 'coco/bbox_mAP_75',
    'APs': 'coco/bbox_mAP_s', 'APm': 'coco/bbox_mAP_m', 'APl': 'coco/bbox_mAP_l'}
BEST, LAST = 'best', 'last'
CLASSIFIERS = 'mmpretrain'  # its scope
OTHER_KIND = 'a run of mmpretrain, not of a detector'


def read_runs(paths: Sequence[str | Path], epoch: str = LAST,
              annotations: Path | None = None, progress: Callable[[int, int], None] | None = None
              ) -> tuple[list[Run], list[Fault]]:
    """Every run under ``paths``, at any depth, and every one that is none, with the reason.

    Where there are detectors, classifiers are what they were pretrained from, and are left out.

    Args:
        epoch: 'last', or 'best' by the primary metric (optimistic: chosen on the set itself).
        annotations: COCO json for runs whose own is not on this machine.
        progress: is told how many folders are read, of how many.
    """
    runs: list[Run] = []
    faults: list[Fault] = []
    folders = find_runs(paths, faults)
    for done, folder in enumerate(folders, 1):
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
    if not all(run.is_classifier for run in runs):
        faults += [Fault(r.folder, OTHER_KIND, bad=False) for r in runs if r.is_classifier]
        runs = [r for r in runs if not r.is_classifier]
    return runs, faults


def find_runs(paths: Sequence[str | Path], faults: list[Fault]) -> list[Path]:
    """Folders that hold starts of MMEngine runs; what cannot be entered is added to ``faults``."""
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.is_dir():
            faults.append(Fault(path, 'no such folder'))
            continue
        here = list(_walk(path, faults))
        if not here and not any(f.folder.is_relative_to(path) for f in faults):
            faults.append(Fault(path, 'holds no run of MMEngine (no <date>_<time> folder with '
                                      'vis_data or a log in it)'))
        found += here
    return list(dict.fromkeys(p.resolve() for p in found))


def _walk(top: Path, faults: list[Fault]) -> Iterator[Path]:
    def tell(error: OSError) -> None:
        faults.append(Fault(Path(error.filename), f'cannot be read ({error.strerror})'))

    for folder, names, _ in os.walk(top, onerror=tell):
        names.sort()
        starts = [p for p in starts_of(folder) if _is_start(p)]
        if starts:
            yield Path(folder)
            names[:] = [n for n in names if n not in {p.name for p in starts} | {FOLDER}]


def _is_start(folder: Path) -> bool:
    return (folder / 'vis_data').is_dir() or (folder / f'{folder.name}.log').is_file()


class NotARun(Exception):
    """Why a folder gives no record."""

    def __init__(self, reason: str, bad: bool = True):
        super().__init__(reason)
        self.bad = bad


def _read_run(folder: Path, epoch: str, annotations: Path | None) -> Run:
    config, name = _config_of(folder)
    if config.get('default_scope') == CLASSIFIERS:
        return _read_classifier(folder, config, name, epoch)
    if config.get('default_scope', 'mmdet') != 'mmdet':
        raise NotARun(f'a run of {config["default_scope"]}, not of a detector', bad=False)
    log = read_log(folder)
    record = _record(folder)
    index = _index(folder)
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
    """Every training of a classifier is a draw of its own, so each counts as a pretraining."""
    log = read_log(folder)
    curve = {e: {TOP1: v['accuracy/top1'] / 100} for e, v in log.validations.items()
             if 'accuracy/top1' in v}
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
    """What records of detectors and classifiers say alike."""
    declared = (config.get('randomness') or {}).get('seed')
    batch, step = config.get('train_dataloader', {}).get('batch_size'), log.seconds_a_step
    return dict(
        seed=declared if declared is not None else log.seed, started=starts_of(folder)[0].name,
        hours=log.hours, peak_memory=log.peak_memory,
        images_per_second=batch * (log.gpus or 1) / step if batch and step else None,
        notes=tuple(f'{place}: a line that is not whole json' for place in log.cut_off))


def _config_of(folder: Path) -> tuple[dict[str, Any], str]:
    """(the newest start's resolved config, the name of its file)."""
    dumped = sorted(folder.glob('*.py'))
    candidates = [p for start in reversed(starts_of(folder))
                  for p in [start / 'vis_data' / 'config.py'] if p.is_file()] + dumped
    for path in candidates:
        config = read_config_text(path.read_text(encoding='utf-8', errors='replace'))
        if isinstance(config.get('model'), dict):
            return config, dumped[0].stem if dumped else folder.name
    raise NotARun('has no config (looked for <start>/vis_data/config.py and *.py)')


def read_backbone(work_dir: str | Path) -> dict[str, Any]:
    """What the guard proved about the run's backbone; empty where it did not run."""
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
    """Metrics by epoch, by our names. A test counts as the last epoch's, if that was not
    validated (as when a run was killed in its last validation)."""
    logged = {epoch: dict(values) for epoch, values in log.validations.items()}
    if index:
        for epoch, dump in index.epochs.items():
            if epoch.isdigit():
                logged.setdefault(int(epoch), {}).update(dump.metrics)
    last = config.get('train_cfg', {}).get('max_epochs')
    if log.test and last and last not in logged:
        logged[last] = log.test
    mode = VOC_BY_MODE[evaluator_of(config, 'val').get('eval_mode', '11points')]
    names = LOGGED if kind == 'COCO' else {mode: 'pascal_voc/mAP'}
    curve = {epoch: {ours: values[theirs] for ours, theirs in names.items() if theirs in values}
             for epoch, values in logged.items()}
    if kind == 'VOC':  # AP50 is logged rounded: the mAP has every digit
        for number, values in curve.items():
            if mode in values:
                values['AP50 logged'] = logged[number].get('pascal_voc/AP50', float('nan'))
    return {epoch: values for epoch, values in curve.items() if values}


def _epoch(config: dict[str, Any], log: Log, curve: dict[int, dict[str, float]],
           which: str) -> int:
    """The epoch that counts.

    Raises:
        NotARun: the run is not finished, has no metric, or became NaN.
    """
    last = config.get('train_cfg', {}).get('max_epochs')
    if log.nan_epoch is not None:
        raise NotARun(f'its loss is NaN from epoch {log.nan_epoch} on')
    validated = max(log.validations, default=0)
    if validated and not log.validations[validated]:
        raise NotARun(f'its validation of epoch {validated} gave no metric: nothing was detected')
    if not curve:
        raise NotARun('was never evaluated (no metric in its logs)', bad=False)
    reached = max(curve)
    if last and reached < last:
        raise NotARun(f'not finished: evaluated at epoch {reached} of {last}', bad=False)
    primary = next(m for m in (TOP1, 'AP', *VOC_BY_MODE.values()) if m in curve[reached])
    if math.isnan(curve[reached][primary]):
        raise NotARun(f'its {primary} is NaN at epoch {reached}')
    if which == BEST:
        return max(curve, key=lambda e: (curve[e].get(primary, -1), e))
    return reached


def _files(folder: Path, config: dict[str, Any], index: DumpIndex | None, epoch: int,
           annotations: Path | None, last: int) -> tuple[Path | None, Path | None, str | None]:
    """(truth, detections, sha256 of the truth) of ``epoch``, as far as they are here."""
    if index:
        dump = index.epochs.get(str(epoch)) or (index.epochs.get('test') if epoch == last else None)
        found = folder / FOLDER / dump.file if dump else None
        return (folder / FOLDER / TRUTH, found if found and found.is_file() else None,
                index.truth_sha256)
    if epoch != last:
        return None, None, None  # mmdet's own dump holds the newest evaluation only
    for which in ('test', 'val'):
        evaluator = evaluator_of(config, which)
        prefix = evaluator.get('outfile_prefix')
        found = _locate(f'{prefix}.bbox.json', folder) if prefix else None
        if found:
            ann_file = evaluator.get('ann_file')
            return annotations or (_locate(ann_file, folder) if ann_file else None), found, None
    return None, None, None


def _locate(name: str, folder: Path) -> Path | None:
    """A path of a config, which is relative to wherever the run was started."""
    places = [Path(name), folder / Path(name).name, *(p / name for p in folder.parents)]
    return next((p for p in places if p.is_file()), None)


def _pictures(config: dict[str, Any], folder: Path) -> Path | None:
    dataset = config.get('val_dataloader', {}).get('dataset', {})
    prefix = dataset.get('data_prefix', {})
    inside = prefix.get('img') or str(Path(prefix.get('sub_data_root', '')) / 'JPEGImages')
    name = Path(dataset.get('data_root') or '.') / inside
    places = (name, *(above / name for above in folder.parents))
    return next((p for p in places if p.is_dir()), None)


def _pretraining(record: dict[str, Any] | None,
                 config: dict[str, Any]) -> tuple[str, str | None, str | None, float | None]:
    """(method, digest, source, top-1)."""
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
