"""The stamp of a backbone file, which says what the file is, where it came from, and by what that
is proved.

A digest proves that the tensors are the exported ones.
"""
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..openmmlab.channel_order import red_first
from ..openmmlab.config_parts import dict_in
from ..runs import json_lines
from ..runs.config_text import read_config_text
from ..runs.method_name import method_of, settings_of
from .architecture import LARGEST, plain_settings
from .sources import is_head

IMAGENET_MEAN = (123.675, 116.28, 103.53)  # in 0..255, RGB
IMAGENET_STD = (58.395, 57.12, 57.375)
# How well-known collections prepare pictures and place strides. A file cannot show that it is
# one of theirs, so the user says it.
RECIPES: dict[str, dict[str, Any]] = {
    'torchvision': dict(mean=IMAGENET_MEAN, std=IMAGENET_STD, channels='RGB', style='pytorch'),
    'caffe': dict(mean=IMAGENET_MEAN[::-1], std=(1.0, 1.0, 1.0), channels='BGR', style='caffe'),
}
GIVEN, CONFIG, DIGEST, TENSORS = 'given', 'config', 'digest', 'tensors'  # what proves a fact
FORMAT = 2
OLDER = 1  # without architecture, settings, prefix and proved_by


@dataclass(frozen=True)
class Stamp:
    """The known facts about a backbone. A fact that is not known is None.

    Args:
        method: the name of the pretraining: 'baseline', 'cutmix', 'resizemix', 'moco', ...
        depth: the depth of a ResNet.
        style: where a bottleneck of a ResNet has its stride, 'pytorch' or 'caffe'.
        mean, std: the normalisation of its pictures, in 0..255, in the order of ``channels``.
        channels: 'RGB' or 'BGR', as the network sees them.
        source, source_sha256: the name and the digest of the checkpoint that it was taken from.
        layout, weights, prefix: see :class:`~mmresizemix.transfer.sources.Backbone`.
        top1: the accuracy in percent.
        top1_from: where ``top1`` was read, or 'given'.
        architecture: the settings that build the backbone, as in a config.
        settings: a digest of all settings of the pretraining but its seed. Pretrainings of one
            method and unlike settings have unlike digests.
        proved_by: for each known fact what proves it: 'config' (of the checkpoint), 'digest' (the
            file is one that torchvision publishes), 'tensors', or 'given' (by the user).
        digest: the :func:`digest` of the tensors.
    """
    method: str | None = None
    depth: int | None = None
    style: str | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    channels: str | None = None
    source: str | None = None
    source_sha256: str | None = None
    layout: str | None = None
    prefix: str | None = None
    weights: str | None = None
    top1: float | None = None
    top1_from: str | None = None
    architecture: dict[str, Any] | None = None
    settings: str | None = None
    proved_by: dict[str, str] = field(default_factory=dict)
    digest: str | None = None
    format: int = FORMAT

    def to_dict(self) -> dict[str, Any]:
        """Convert the stamp to plain values, as they are written into the file."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> 'Stamp':
        """Read a stamp from what :meth:`to_dict` returned, field by field.

        Raises:
            ValueError: ``values`` have another format, e.g. that of a newer version, or a field is
                not what it should be.
        """
        if not isinstance(values, dict):
            raise ValueError(f'the stamp is damaged: expected a dict, got a '
                             f'{type(values).__name__}; export the file again')
        if not _format(values.get('format')):
            raise ValueError(f'the stamp has format {str(values.get("format"))[:40]}, but this '
                             f'version of mmresizemix reads formats up to {FORMAT}; update '
                             'mmresizemix, or export the file again')
        known = {f.name for f in fields(cls)}
        for name, value in values.items():
            if name not in known or not _valid(name, value):
                expected = _FIELDS[name][1] if name in known else 'no such field'
                raise ValueError(f'the stamp is damaged: {str(name)[:40]}: expected {expected}, '
                                 f'got {str(value)[:60]!r}; export the file again')
        found: dict[str, Any] = {k: tuple(v) if k in ('mean', 'std') and v is not None else v
                                 for k, v in values.items()}
        return cls(**found)


def _text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 1000 and value.isprintable()


def _numbers(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and 1 <= len(value) <= 16 and all(map(_number, value))


def _number(value: Any) -> bool:
    return (isinstance(value, (int, float)) and not isinstance(value, bool)
            and -LARGEST <= value <= LARGEST)


def _format(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value in (OLDER, FORMAT)


def _settings(value: Any) -> bool:
    """Whether ``value`` is a dict with a type that holds only plain values, and not too many."""
    waiting, seen = [(value, 0)], 0
    while waiting:
        one, depth = waiting.pop()
        seen += 1
        if seen > LARGEST or depth > 20:  # which may hold itself
            return False
        if isinstance(one, dict):
            if not all(isinstance(name, str) for name in one):
                return False
            waiting += [(v, depth + 1) for v in one.values()]
        elif isinstance(one, (list, tuple)):
            waiting += [(v, depth + 1) for v in one]
        elif not isinstance(one, (str, int, float, bool, type(None))):
            return False
    return isinstance(value, dict) and isinstance(value.get('type'), str)


def _hex(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch('[0-9a-f]{64}', value) is not None


def printable(text: str) -> str:
    """Return ``text`` as a stamp can hold it."""
    return ''.join(c if c.isprintable() else '?' for c in text)[:1000]


_FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(('method', 'settings', 'source', 'layout', 'prefix', 'weights', 'top1_from'),
                    (_text, 'a short text')),
    'depth': (lambda v: isinstance(v, int) and not isinstance(v, bool) and 0 < v < 10_000,
              'a number of layers'),
    'style': (lambda v: v in ('pytorch', 'caffe'), "'pytorch' or 'caffe'"),
    'architecture': (_settings, 'plain settings with a type'),
    'mean': (_numbers, 'numbers'),
    'std': (lambda v: _numbers(v) and all(x > 0 for x in v), 'numbers above 0'),
    'channels': (lambda v: v in ('RGB', 'BGR'), "'RGB' or 'BGR'"),
    'top1': (lambda v: _number(v) and 0 <= v <= 100, 'a percentage'),
    'proved_by': (lambda v: isinstance(v, dict) and all(
        _text(k) and v[k] in (GIVEN, CONFIG, DIGEST, TENSORS) for k in v), 'what proves each fact'),
    **dict.fromkeys(('digest', 'source_sha256'), (_hex, '64 hexadecimal digits')),
    'format': (_format, 'a format'),
}


def _valid(name: str, value: Any) -> bool:
    """Whether ``value`` is what a stamp can hold as ``name``. None is unknown."""
    return value is None or _FIELDS[name][0](value)


def digest(tensors: Mapping[str, Tensor]) -> str:
    """Compute the SHA-256 over names, dtypes, shapes and bytes, in the order of names."""
    sha = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        line = name.replace('\\', r'\\').replace('\n', r'\n')  # so that it stays one line
        sha.update(f'{line} {tensor.dtype} {tuple(tensor.shape)}\n'.encode())
        # A view as bytes works for every dtype. NumPy has no bfloat16.
        sha.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return sha.hexdigest()


# Facts


def facts_of_config(config_text: str) -> dict[str, Any]:
    """Read the facts in ``meta['cfg']`` of a checkpoint of MMPretrain or MMDetection. The text is
    never executed."""
    cfg = read_config_text(config_text)
    model = dict_in(cfg, 'model')
    backbone = dict_in(model, 'backbone')
    if not backbone:
        return {}  # a config that cannot be read leaves all facts unknown
    preprocessor = dict_in(model, 'data_preprocessor') or dict_in(cfg, 'data_preprocessor')
    facts: dict[str, Any] = dict(method=method_of(cfg), settings=settings_of(cfg),
                                 architecture=plain_settings(backbone))
    if has_style(facts['architecture']):
        facts['style'] = backbone.get('style', 'pytorch')
    if _numbers(preprocessor.get('mean')) and _numbers(preprocessor.get('std')):
        facts.update(mean=tuple(preprocessor['mean']), std=tuple(preprocessor['std']),
                     channels=_channels(cfg, preprocessor))
    return {k: v for k, v in facts.items() if v is not None and _valid(k, v)}


def has_style(architecture: Mapping[str, Any] | None) -> bool:
    """Whether a backbone is a ResNet, whose bottlenecks may have their stride in one of two places.
    """
    kind = str((architecture or {}).get('type')).rpartition('.')[2]
    return kind.startswith(('ResNet', 'ResNeXt', 'SEResNe'))


def _channels(cfg: Mapping[str, Any], preprocessor: Mapping[str, Any]) -> str | None:
    """Return the order of channels that the network sees, 'RGB' or 'BGR', or None if both occur."""
    # ``to_rgb`` of MMPretrain and ``bgr_to_rgb`` of MMDetection reverse the channels, whatever
    # their order is.
    dataset = dict_in(dict_in(cfg, 'train_dataloader'), 'dataset')
    reverses = bool(preprocessor.get('to_rgb')) or bool(preprocessor.get('bgr_to_rgb')) or bool(
        preprocessor.get('rgb_to_bgr'))
    first = red_first(dataset)
    return None if first is None else 'RGB' if reverses != first else 'BGR'


def facts_of_published(sha256: str, content: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the facts about a file that torchvision publishes, by the SHA-256 of the file. {} for
    any other.

    The names of torchvision's files end with the first digits of their SHA-256. Since these are
    few, the ``content`` of the file must also have the names and shapes of that model.
    """
    found = published().get(sha256[:8])
    if found is None:
        return {}
    name, weights = found
    import torchvision
    with torch.device('meta'):
        model = torchvision.models.get_model(name)
    if _shapes(content) != _shapes(model.state_dict()):
        return {}
    prepared = weights.transforms()
    # torchvision has its stride in the 3x3 convolution.
    style = dict(style='pytorch') if 'resne' in name else {}
    return dict(method=f'torchvision-{weights.name}'.lower(), channels='RGB', **style,
                mean=tuple(round(255 * m, 4) for m in prepared.mean),
                std=tuple(round(255 * s, 4) for s in prepared.std))


def _shapes(tensors: Mapping[Any, Any]) -> dict[str, tuple[int, ...]]:
    """Return the shapes by name, without the head. Old files have no counters."""
    return {str(k): tuple(t.shape) for k, t in tensors.items() if isinstance(t, Tensor)
            and not is_head(str(k)) and not str(k).endswith('num_batches_tracked')}


@cache
def published() -> dict[str, tuple[str, Any]]:
    """Return torchvision's classifiers by the first eight digits of the SHA-256 of their files:
    (model, weights)."""
    import torchvision
    found = {}
    for name in torchvision.models.list_models(torchvision.models):
        for weights in torchvision.models.get_model_weights(name):
            digits = re.search(r'-([0-9a-f]{8})\.pth$', weights.url)
            if digits and hasattr(weights.transforms(), 'mean'):
                found[digits[1]] = (name, weights)
    return found


def top1_of_run(checkpoint: Path, epoch: Any) -> tuple[float, str] | None:
    """Return (top-1 in percent, its log) of an mmpretrain run at ``epoch``, None if not logged."""
    if not isinstance(epoch, int):
        return None
    # The newest log and the last line in it count.
    for log in sorted(checkpoint.parent.glob('*/vis_data/scalars.json'), reverse=True):
        for entry in reversed(json_lines(log)):
            if 'accuracy/top1' in entry and entry.get('step') == epoch:
                top1 = entry['accuracy/top1']
                if top1 is None or not _valid('top1', top1):
                    return None
                return float(top1), f'{log.parts[-3]}/{log.parts[-2]}/{log.name}'
    return None
