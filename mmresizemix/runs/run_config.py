"""The config of a run, parsed once for reading and comparing."""
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from ..openmmlab.config_parts import dict_in, type_in
from .comparable import comparable
from .learning_rate_choice import CHOICE, SETTING, LearningRateChoice
from .method_name import method_of

CLASSIFIERS, DETECTORS = 'mmpretrain', 'mmdet'  # the default_scope of their configs
TABLE_ROW = 'table_row'  # in a config: which row and column of a table the run is for
# The settings that make the method of a classifier. A row of a table may also read pictures in
# another way.
METHOD = ('model.train_cfg', 'model.head.loss.use_soft')
OF_A_ROW = (*METHOD, 'train_dataloader', 'val_dataloader.dataset.pipeline')
# RecursiveMix's head pools and classifies as a neck and a head of mmpretrain do. What it has beside
# them is of the method.
RECURSIVEMIX_HEAD = 'mmresizemix.RecursiveMixHead'
ITS_OWN = ('model.neck', 'model.head.omega', 'model.head.share_fc')
AS_PLAIN = {'model.neck.type': 'GlobalAveragePooling', 'model.head.type': 'LinearClsHead'}
STANDARD = dict(CIFAR10='CIFAR-10', CIFAR100='CIFAR-100', ImageNet='ImageNet')
FROZEN, LABEL_FRACTION = 'FrozenBackboneHook', 'LabelFraction'  # the protocols of a detector
VOC_BY_MODE = {'11points': 'VOC11', 'area': 'VOCarea'}


@dataclass(frozen=True, eq=False)
class RunConfig:
    """The config of a run. Build it with :meth:`parse`.

    Args:
        name: the name of its file.
        scope: the package that it is for, e.g. 'mmdet'.
        model: the name of the detector or the classifier that papers use, e.g. 'SSD300'. After that
            of a detector stands its protocol if not all is trained, e.g. 'SSD300, frozen'.
        kind: 'COCO' or 'VOC', by how a detector is evaluated. For a classifier, its set.
        dataset: the name of the folder of the evaluation set. For a classifier, the same as
            ``kind``.
        seed, max_epochs, batch_size: as the config says, or None if it does not.
        method: the method of a classifier. None for a detector, or if the config does not say.
        checkpoint: the file that a detector's backbone starts from, or None.
        rounded: whether the logged metrics are those of MMDetection's CocoMetric, which are rounded
            to 0.1 AP.
        column, place: the name of the column and the position of the row that the run has in the
            table of its plan, if the config says so.
        values: the config itself.
    """
    name: str
    scope: str
    model: str
    kind: str
    dataset: str
    seed: int | None
    max_epochs: int | None
    batch_size: int | None
    method: str | None
    checkpoint: str | None
    rounded: bool
    column: str | None
    place: int | None
    values: dict[str, Any] = field(repr=False)

    @classmethod
    def parse(cls, values: Mapping[str, Any], name: str = '') -> 'RunConfig':
        """Parse a resolved config, e.g. one that MMEngine has dumped into the folder of a run."""
        values = dict(values)
        scope = values.get('default_scope', DETECTORS)
        row = dict_in(values, TABLE_ROW)
        if scope == CLASSIFIERS:
            kind = dataset = _classified_set(values)
        else:
            kind = 'VOC' if type_in(evaluator_of(values)).endswith('VOCMetric') else 'COCO'
            dataset = _folder_name(dict_in(dict_in(values, 'val_dataloader'), 'dataset'))
        return cls(
            name=name, scope=scope,
            model=_classifier_name(values) if scope == CLASSIFIERS else (
                _detector_name(values) + _protocol(values)),
            kind=kind, dataset=dataset, seed=dict_in(values, 'randomness').get('seed'),
            max_epochs=dict_in(values, 'train_cfg').get('max_epochs'),
            batch_size=dict_in(values, 'train_dataloader').get('batch_size'),
            method=(row.get('name') or method_of(values)) if scope == CLASSIFIERS else None,
            checkpoint=_backbone_checkpoint(values),
            rounded=kind == 'COCO' and not type_in(evaluator_of(values, 'val')).startswith(
                'mmresizemix.'),
            column=row.get('column'), place=row.get('place'), values=values)

    @property
    def is_classifier(self) -> bool:
        """Whether the run is of a classifier."""
        return self.scope == CLASSIFIERS

    @property
    def voc_metric(self) -> str:
        """Our name of VOC's mAP, by how the run computes it, so that the two ways never mix."""
        return VOC_BY_MODE[evaluator_of(self.values, 'val').get('eval_mode', '11points')]

    @property
    def learning_rate_choice(self) -> LearningRateChoice | None:
        """How the learning rate was chosen among several, or None if the config has a single one.
        """
        return _choice_of(self.values)

    def evaluator(self, which: str) -> dict[str, Any]:
        """Return the config of the evaluator 'val' or 'test', the first one if there are several.
        """
        return evaluator_of(self.values, which)

    def settings(self, gpus: int | None = None) -> dict[str, Any]:
        """Return the settings that compared runs must share, flat, by dotted name.

        For a classifier, what makes its method is left out.

        Args:
            gpus: the number of GPUs, which runs must also share. None if unknown.
        """
        if not self.is_classifier:
            found = comparable(self.values, gpus)
            choice = self.learning_rate_choice
            if choice:
                # Each run may have the rate that suits it, if all have chosen it in the same way.
                found.pop(SETTING, None)
                found |= {'learning rates': list(choice.rates), 'held out': choice.held_out}
            return found
        apart = OF_A_ROW if TABLE_ROW in self.values else METHOD
        found = comparable(self.values, gpus, more=('data_preprocessor', ))
        if found.get('model.head.type') == RECURSIVEMIX_HEAD:
            found = {k: v for k, v in found.items() if k not in ITS_OWN} | AS_PLAIN
        return {k: v for k, v in found.items() if not k.startswith(apart)}


def evaluator_of(values: Mapping[str, Any], which: str | None = None) -> dict[str, Any]:
    """Return the config of an evaluator, the first one if there are several.

    Args:
        which: 'val' or 'test'. None means that of the validation or, without one, of the test.
    """
    found = values.get(f'{which}_evaluator') if which else (
        values.get('val_evaluator') or values.get('test_evaluator'))
    found = found if isinstance(found, list) else [found]
    return next((e for e in found if isinstance(e, dict)), {})


def _detector_name(values: Mapping[str, Any]) -> str:
    """Return 'SSD300', 'Faster R-CNN', 'Mask R-CNN', else the type in MMDetection."""
    model = dict_in(values, 'model')
    # The dump of a pure Python config has the module before the name.
    kind = type_in(model).rpartition('.')[2] or 'unknown'
    head = dict_in(model, 'bbox_head')
    if (kind == 'SingleStageDetector' and type_in(head).endswith('SSDHead')) or kind == 'SSD':
        return f'SSD{dict_in(head, "anchor_generator").get("input_size", "")}'
    return kind.replace('RCNN', ' R-CNN')


def _protocol(values: Mapping[str, Any]) -> str:
    """Return the protocol of a detector's run, to be put after its name: what it has left out of
    training, and from how many learning rates it has chosen."""
    hooks = values.get('custom_hooks')
    frozen = isinstance(hooks, list) and any(
        isinstance(hook, dict) and type_in(hook).endswith(FROZEN) for hook in hooks)
    said = ', frozen' if frozen else ''
    # The share is inside of sets that repeat pictures.
    dataset = dict_in(dict_in(values, 'train_dataloader'), 'dataset')
    while dataset:
        if type_in(dataset).endswith(LABEL_FRACTION):
            said += f', {100 * dataset.get("fraction", 1):g} % of the labels'
        dataset = dict_in(dataset, 'dataset')
    choice = _choice_of(values)
    return said + (f', best of {len(choice.rates)} learning rates' if choice else '')


def _choice_of(values: Mapping[str, Any]) -> LearningRateChoice | None:
    try:
        return LearningRateChoice.parse(dict_in(values, CHOICE))
    except (KeyError, TypeError, ValueError):
        return None  # there is none, or it is not one of ours


def _classifier_name(values: Mapping[str, Any]) -> str:
    """Return 'WRN-28-10', 'ResNet-50', else the type in MMPretrain."""
    backbone = dict_in(dict_in(values, 'model'), 'backbone')
    kind, depth = type_in(backbone).rpartition('.')[2] or 'unknown', backbone.get('depth')
    if kind == 'WideResNet':
        return f'WRN-{depth}-{backbone.get("widen_factor")}'
    if kind == 'ShakeShake':
        return f'Shake-Shake {depth} 2x{backbone.get("base_channels")}d'
    return f'{kind}-{depth}' if depth else kind


def _classified_set(values: Mapping[str, Any]) -> str:
    """Return the name of a standard set (a value of :data:`STANDARD`), else that of the folder."""
    dataset = dict_in(dict_in(values, 'val_dataloader'), 'dataset')
    return STANDARD.get(type_in(dataset)) or f'{_folder_name(dataset)}/'


def _backbone_checkpoint(values: Mapping[str, Any]) -> str | None:
    init_cfg = dict_in(dict_in(values, 'model'), 'backbone').get('init_cfg')
    found = init_cfg if isinstance(init_cfg, list) else [init_cfg]
    return next((c['checkpoint'] for c in found if isinstance(c, dict) and 'checkpoint' in c), None)


def _folder_name(dataset: Mapping[str, Any]) -> str:
    return PurePath(str(dataset.get('data_root', '')).rstrip('/')).name
