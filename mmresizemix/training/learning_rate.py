"""The choice of a detector's learning rate among several.

A learning rate that suits one pretraining may not suit another. So each rate trains the detector on
a part of its training pictures, and the AP on the other ones decides. The pictures that the
comparison is made on take no part in the choice.
"""
import copy
import gc
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import broadcast_object_list, is_main_process

from ..runs.learning_rate_choice import CHOICE, FOLDER, SETTING, LearningRateChoice, Score
from ..runs.logs import HEADLINES, read_log
from .finite import LostWeightsError
from .protocols import check_rates, hold_out


class LearningRateError(RuntimeError):
    """Raised if no learning rate can be chosen. The message says why."""


def choose_learning_rate(cfg: Config, rates: Sequence[float], held_out: float,
                         train: Callable[[Config], None],
                         test: Callable[[Config, str], Mapping[str, float]]
                         ) -> LearningRateChoice:
    """Train the detector of ``cfg`` once with each of ``rates``, without the pictures that are held
    out, and test it on them.

    The trials are in ``<work_dir>/learning_rates/``, and so is the choice, which is written after
    each of them.

    Args:
        rates: different positive numbers, at least two.
        held_out: the share of the training pictures that are held out, in (0, 1).
        train: trains a config to its end, or goes on if it was begun before.
        test: evaluates a checkpoint on the test set of a config, and returns the metrics.

    Raises:
        LearningRateError: each of the rates made the weights NaN or infinite.
        ValueError: ``rates`` are others, ``held_out`` is not a share, or the config has no learning
            rate, no seed or no validation.
    """
    check_rates(rates)
    scores: list[Score] = []
    for number, rate in enumerate(rates, 1):
        trial = copy.deepcopy(cfg)
        seed = hold_out(trial, held_out)
        set_learning_rate(trial, rate)
        trial.work_dir = str(Path(cfg.work_dir) / FOLDER / f'{rate:g}')
        # MMEngine finds loggers and visualizers by their names. Those of one name are one, and it
        # writes into the folder of the run that came first.
        trial.experiment_name = f'learning_rate_{rate:g}'
        if trial.get('visualizer'):
            trial.visualizer.pop('name', None)  # its default is that of the experiment
        scores.append((rate, _score(trial, train, test)))
        choice = LearningRateChoice(tuple(rates), held_out, seed, tuple(scores))
        # Before its first training, a process of several does not know which one it is.
        if is_main_process():
            choice.write(cfg.work_dir)
            print(f'{number} of {len(rates)}: {describe(choice)[number - 1]}', flush=True)
        gc.collect()  # the model and its runner refer to each other
    if is_main_process():
        print('\n'.join(describe(choice)), flush=True)
    if choice.chosen is None:
        raise LearningRateError('--learning-rates: the weights became NaN or infinite with each '
                                f'of {", ".join(map(str, rates))}; give smaller ones')
    return choice


def use_choice(cfg: Config, choice: LearningRateChoice) -> None:
    """Set the learning rate of ``cfg`` to the chosen one, and keep the choice in the config.

    Raises:
        LearningRateError: not every rate was tried yet, or none of them has a score.
    """
    if not choice.complete or choice.chosen is None:
        raise LearningRateError(f'--learning-rate-of: {len(choice.scores)} of {len(choice.rates)} '
                                'learning rates were tried there, and none is chosen yet')
    set_learning_rate(cfg, choice.chosen)
    cfg[CHOICE] = choice.fields()


def set_learning_rate(cfg: Config, rate: float) -> None:
    """Set the base learning rate of the optimizer. Schedules that are relative to it follow.

    Raises:
        ValueError: the config has none.
    """
    if 'lr' not in ((cfg.get('optim_wrapper') or {}).get('optimizer') or {}):
        raise ValueError(f'--learning-rates: the config has no {SETTING}')
    cfg.optim_wrapper.optimizer.lr = rate


def describe(choice: LearningRateChoice) -> list[str]:
    """Return the scores of the rates, and a warning if a rate beyond them may be better, one text
    per line."""
    said = [f'learning rate {rate:g}: ' + (
        'the weights became NaN or infinite' if score is None else
        f'{100 * score:.2f} on {100 * choice.held_out:g} % of the training pictures')
            for rate, score in choice.scores]
    if choice.chosen is not None and choice.at_the_end:
        which = 'smallest' if choice.chosen == min(choice.rates) else 'largest'
        said.append(f'The chosen learning rate, {choice.chosen:g}, is the {which} one that was '
                    'tried. One beyond it may be better.')
    return said


def _score(trial: Config, train: Callable[[Config], None],
           test: Callable[[Config, str], Mapping[str, float]]) -> float | None:
    try:
        train(trial)
    except LostWeightsError:
        return None
    last = trial.train_cfg.max_epochs
    # The main process reads the log, and tells the others.
    found = [read_log(trial.work_dir).validations.get(last, {}) if is_main_process() else {}]
    broadcast_object_list(found)
    # A trial that was killed in its last validation has no metric of it.
    metrics = found[0] or test(trial, str(Path(trial.work_dir) / f'epoch_{last}.pth'))
    score = next((metrics[name] for name in HEADLINES if name in metrics), None)
    if score is None:
        raise LearningRateError(f'{trial.work_dir}: its last evaluation gave no metric')
    return score
