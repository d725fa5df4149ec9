"""Read what a finished run left on disk. Needs neither torch nor OpenMMLab."""
import json
from pathlib import Path

RECORD = 'backbone.json'  # written by mmresizemix.BackboneGuard


def read_metrics(work_dir: str | Path, epoch: int | None = None) -> dict[str, float]:
    """The metrics of a run's last evaluation, by their logged names, e.g. ``coco/bbox_mAP``.

    MMEngine logs a validation as a line of ``<start>/vis_data/scalars.json``, a test into
    ``<start>/<start>.json``; every start of a run has a folder of its own. Lines that a crash cut
    off are passed by.

    Args:
        epoch: take only what was validated after this epoch, or tested; None: the last of all.

    Returns:
        An empty dict where nothing was evaluated.
    """
    metrics: dict[str, float] = {}
    for start in sorted(p for p in Path(work_dir).glob('*') if p.is_dir()):
        for log in (start / 'vis_data' / 'scalars.json', start / f'{start.name}.json'):
            if log.is_file():
                for entry in json_lines(log):
                    if epoch is None or entry.get('step', epoch) == epoch:
                        metrics.update({k: v for k, v in entry.items() if '/' in k})
    return metrics


def json_lines(path: Path) -> list[dict]:
    """The dicts of a json-lines log, in order; lines that are none, or cut off, are passed by."""
    entries = []
    for line in path.read_text(errors='replace').splitlines():
        try:
            entry = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(entry, dict):
            entries.append(entry)
    return entries


def read_backbone(work_dir: str | Path) -> dict:
    """What the guard proved about the run's backbone; empty where it did not run."""
    record = Path(work_dir) / RECORD
    return json.loads(record.read_text()) if record.is_file() else {}
