"""Export the backbone of a classifier to a file that is safe to share and says what it is."""
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ..files import file_sha256, whole_file
from ..openmmlab.checkpoint import CheckpointError, load_checkpoint
from .layouts import STAMP_KEY, Backbone, LayoutError, check_plain_resnet, meta_of, read_layout
from .stamp import Stamp, digest, facts_of_mmpretrain, facts_of_torchvision, top1_of_run

METHODS = ('baseline', 'mixup', 'cutmix', 'resizemix')  # names whose meaning is not the user's


def export_backbone(checkpoint: str | Path, out: str | Path, *, method: str | None = None,
                    raw: bool = False, top1: float | None = None) -> Stamp:
    """Write the backbone of a classifier as plain tensors with a :class:`Stamp`.

    The file holds ``dict(meta=..., state_dict=...)`` with torchvision's names, and loads with
    ``weights_only=True``. MMDetection reads it by
    ``init_cfg=dict(type='Pretrained', checkpoint=out)``, without a prefix.

    Args:
        checkpoint: a checkpoint of mmpretrain, torchvision or timm, or a file exported before.
        out: the file to write.
        method: the name of the pretraining. It is read from an mmpretrain checkpoint if None.
        raw: take the raw weights if the checkpoint also has a moving average (EMA) of them.
        top1: the accuracy in percent. It is read from the log of the run if None.

    Raises:
        CheckpointError: the file cannot be read safely, or is not that of a plain ResNet.
        ValueError: ``out`` is the checkpoint, ``top1`` is no percentage, or ``method`` contradicts
            the config in the checkpoint.
    """
    path, out = Path(checkpoint).expanduser(), Path(out).expanduser()
    if out.resolve() == path.resolve():
        raise ValueError(f'out: {out} is the checkpoint itself; give another name')
    if top1 is not None and not 0 <= top1 <= 100:
        raise ValueError(f'top1: expected a percentage in 0..100, got {top1}')
    # Read the weights under torchvision's names. Anything but a whole plain ResNet is refused.
    content = load_checkpoint(path)
    try:
        backbone = read_layout(content, raw)
        depth = check_plain_resnet(backbone.tensors)
    except LayoutError as error:
        raise CheckpointError(f'{path}: {error}') from None
    # float32 is what the detectors train in. The clones free the tensors from shared storage.
    tensors = {name: t.detach().float().contiguous().clone() if t.is_floating_point() else t.clone()
               for name, t in backbone.tensors.items()}
    stamp = _stamp(path, content, backbone, depth)
    # A name of one's own is fine, but a known name must not contradict the config.
    if method in METHODS and not (stamp.method or method).startswith(method):
        raise ValueError(f'method: got {method!r}, but the config in {path} says '
                         f'{stamp.method!r}; leave it out, or use a name of your own')
    stamp = replace(stamp, digest=digest(tensors), method=method or stamp.method)
    if top1 is not None:
        stamp = replace(stamp, top1=float(top1), top1_from='given')
    _write(out, dict(meta={STAMP_KEY: stamp.to_dict()}, state_dict=tensors))
    return stamp


def stamp_of(content: dict[str, Any]) -> Stamp | None:
    """Return the stamp in the content of a file, or None if it has none."""
    found = meta_of(content).get(STAMP_KEY)
    return Stamp.from_dict(found) if isinstance(found, dict) else None


def _stamp(path: Path, content: dict[str, Any], backbone: Backbone, depth: int) -> Stamp:
    """Make the stamp, except its digest."""
    # A file that was exported before keeps its facts, which its tensors alone do not give.
    before = stamp_of(content)
    if before:
        return before
    known: dict[str, Any] = {}
    meta = meta_of(content)
    if backbone.layout == 'mmpretrain':
        known = facts_of_mmpretrain(meta.get('cfg') or '')
        logged = top1_of_run(path, meta.get('epoch'))
        if logged and backbone.weights != 'raw':  # the accuracy is that of the moving average
            known.update(top1=logged[0], top1_from=logged[1])
    else:
        known = facts_of_torchvision()
    return Stamp(depth=depth, source=path.name, source_sha256=file_sha256(path),
                 layout=backbone.layout, weights=backbone.weights, **known)


def _write(out: Path, content: dict[str, Any]) -> None:
    """Write the file, read it back strictly, compare all bits, and only then give it its name."""
    with whole_file(out) as unfinished:
        torch.save(content, unfinished)
        written = load_checkpoint(unfinished)
        if digest(written['state_dict']) != content['meta'][STAMP_KEY]['digest']:
            raise CheckpointError(f'{out}: the file differs from what was written; check the disk')
