"""The format of ``<work_dir>/learning_rates/choice.json``: which learning rate of a detector was
chosen among several, and by what."""
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..files import write_text

FOLDER = 'learning_rates'
FILE = 'choice.json'
SETTING = 'optim_wrapper.optimizer.lr'
CHOICE = 'learning_rate_choice'  # in the config of a run: the fields of LearningRateChoice
Score = tuple[float, float | None]


def path_in(run: str | Path) -> Path:
    """Return where the run in the folder ``run`` keeps its choice, if it has one."""
    return Path(run) / FOLDER / FILE


@dataclass(frozen=True)
class LearningRateChoice:
    """The learning rates that were tried, and how well each one did on pictures held out of the
    training set.

    Args:
        rates: all rates that are to be tried.
        held_out: the share of the training pictures that were held out, in (0, 1).
        seed: the seed of the trials and of the split.
        scores: a pair (rate, score) for each rate that was tried so far. The score is the AP (COCO)
            or the mAP (VOC) after the last epoch, in 0..1, or None if the weights became NaN or
            infinite.
    """
    rates: tuple[float, ...]
    held_out: float
    seed: int
    scores: tuple[Score, ...] = ()

    @classmethod
    def read(cls, run: str | Path) -> 'LearningRateChoice | None':
        """Read the choice that the run in the folder ``run`` has made or begun.

        Returns:
            The choice, or None if the run has tried no learning rates.

        Raises:
            ValueError: the file is not one of ours.
        """
        path = path_in(run)
        if not path.is_file():
            return None
        try:
            return cls.parse(json.loads(path.read_text(encoding='utf-8')))
        except (ValueError, TypeError, KeyError):
            raise ValueError(f'{path}: not a choice of a learning rate') from None

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> 'LearningRateChoice':
        """Make a choice of its fields, as :meth:`fields` returns them.

        Raises:
            KeyError, TypeError, ValueError: they are not the fields of a choice.
        """
        rates = tuple(map(float, values['rates']))
        if not rates:
            raise ValueError('no learning rates')
        return cls(rates, float(values['held_out']), int(values['seed']), tuple(
            (float(rate), score if score is None else float(score))
            for rate, score in values['scores']))

    def fields(self) -> dict[str, Any]:
        """Return the fields as a dict, for a config or JSON."""
        return asdict(self)

    def write(self, run: str | Path) -> None:
        """Write the choice into the folder of a run."""
        write_text(path_in(run), json.dumps(self.fields(), indent=1) + '\n')

    @property
    def complete(self) -> bool:
        """Whether every rate was tried."""
        return len(self.scores) == len(self.rates)

    @property
    def chosen(self) -> float | None:
        """The rate with the highest score, the first one of equal ones. None if every rate so far
        made the weights NaN or infinite."""
        finite = [(rate, score) for rate, score in self.scores if score is not None]
        return max(finite, key=lambda one: one[1])[0] if finite else None

    @property
    def at_the_end(self) -> bool:
        """Whether the chosen rate is the smallest or the largest that was tried. A rate beyond it
        may be better."""
        return self.chosen in (min(self.rates), max(self.rates))
