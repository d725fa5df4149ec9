"""The config of a stage, with the options of the plan applied to it."""
import argparse
import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from mmengine.config import DictAction

from ..openmmlab.config_parts import merge_options
from ..openmmlab.installed import read_config
from ..runs.comparable import comparable
from ..training.protocols import set_protocol
from ..training.sharing import LOADERS
from ..training.transfer_run import make_transfer_run
from .plan import Detector, PlanError

NOT_DATA = ('pipeline', '_scope_', 'backend_args')  # settings that do not say which data are read


class Recipe:
    """A config with the options of a plan: what a stage trains, tests or checks.

    Args:
        detector: the detector of the plan that it is of, which is trained with ``--backbone``. None
            for a classifier.

    Raises:
        PlanError: an option has a value that the command line of our tools cannot carry, or the
            detector cannot be trained with ``--backbone``.
    """

    def __init__(self, config: Path, options: Mapping[str, Any], gpus: int,
                 detector: Detector | None = None):
        self.config, self.gpus = config, gpus
        self.effective = read_config(config)
        try:
            merge_options(self.effective, options)
        except ValueError as error:
            raise PlanError(f'{config.name}: options: {error}') from None
        self.protocol: list[str] = []  # command line arguments of our tools
        if detector:
            frozen, fraction = detector.frozen, detector.label_fraction
            self.protocol += ['--frozen'] if frozen else []
            self.protocol += ['--label-fraction', str(fraction)] if fraction < 1 else []
            try:
                make_transfer_run(self.effective)
                set_protocol(self.effective, frozen, fraction)
            except ValueError as error:
                raise PlanError(f'{config.name}: {error}') from None
        batch, self.warning = self._kept_batch()
        self.effective.merge_from_dict(batch)
        self.options = {**options, **batch}
        # Stages run our tools as processes, which get the options as words. An option that the
        # tool would read as another value must be refused here.
        for name, value in self.options.items():
            if _as_read(name, value) != value:
                raise PlanError(f'{config.name}: options: {name}={value!r} cannot be given on '
                                'the command line; set it in a config that inherits from this one')

    @property
    def epochs(self) -> int:
        """The number of epochs that it trains."""
        return self.effective.train_cfg.max_epochs

    @property
    def batch(self) -> int:
        """The total batch size of a step, over all processes."""
        return self.effective.train_dataloader.batch_size * max(1, self.gpus)

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """The settings that the result depends on, by dotted name."""
        return {**comparable(self.effective.to_dict(), more=('data_preprocessor', )),
                'processes': max(1, self.gpus)}

    def digest(self) -> str:
        """Return a name for all that decides the cost: the config's name and 12 hexadecimal digits
        of the SHA-256 of :attr:`inputs`."""
        text = json.dumps(self.inputs, sort_keys=True, default=str)
        return f'{self.config.stem}-{hashlib.sha256(text.encode()).hexdigest()[:12]}'

    def words(self, **more: Any) -> list[str]:
        """Return the options, and those in ``more``, as command line arguments of our tools."""
        words = [f'{k}={_word(v)}' for k, v in {**self.options, **more}.items()]
        return ['--cfg-options', *words] if words else []

    def _kept_batch(self) -> tuple[dict[str, int], str | None]:
        """Return options that keep the total batch size that the config was made for, whatever the
        number of GPUs, and a warning if the total does not divide by that number.

        There are no such options on a CPU, or if the config scales the learning rate instead.
        """
        scale = self.effective.get('auto_scale_lr') or {}
        total, each = scale.get('base_batch_size'), self.effective.train_dataloader.batch_size
        if not self.gpus or not total or scale.get('enable') or each * self.gpus == total:
            return {}, None
        # The learning rate stays as it is, so the total batch must stay, too.
        fitting = max(1, round(total / self.gpus))
        warning = None if fitting * self.gpus == total else (
            f'{self.config.name}: a total batch of {total} is not divisible by {self.gpus} GPUs: '
            f'it is {fitting * self.gpus} here, with the learning rate of {total}')
        return {'train_dataloader.batch_size': fitting}, warning

    def data(self) -> str:
        """Return a text that says which data sets are read. It is equal for equal sets, whatever
        their pipelines are."""
        return json.dumps([_sets(self.effective.get(loader, {}).get('dataset'))
                           for loader in LOADERS], default=str)


def _sets(found: Any) -> list[dict[str, Any]]:
    """Return the settings of the data sets inside repeated and concatenated ones."""
    if isinstance(found, (list, tuple)):
        return [one for inner in found for one in _sets(inner)]
    if not isinstance(found, dict):
        return []
    inner = found.get('dataset') or found.get('datasets')
    if inner:
        return _sets(inner)
    return [{k: v for k, v in sorted(found.items()) if k not in NOT_DATA}]


def _as_read(name: str, value: Any) -> Any:
    """Return the value that our tools read when they are given an option as a word."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return parser.parse_args(['--cfg-options', f'{name}={_word(value)}']).cfg_options[name]


def _word(value: Any) -> str:
    if isinstance(value, list):
        return '[' + ','.join(map(_word, value)) + ']'
    if isinstance(value, tuple):
        # The comma after each element also makes a tuple of a single one.
        return '(' + ''.join(f'{_word(one)},' for one in value) + ')'
    return str(value)
