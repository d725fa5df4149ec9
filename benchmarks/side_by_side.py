"""Time candidates in turn, and keep their figures for the page. Benchmarks share this module."""
import argparse
import json
import os
import platform
import random
import statistics
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

RESULTS = Path(__file__).parents[1] / 'work_dirs/benchmarks'
ROUNDS, WARM_UP = 15, 3
SHOWN = ('torch', 'torchvision', 'onedl-mmengine', 'onedl-mmcv', 'onedl-mmpretrain',
         'onedl-mmdetection', 'timm', 'kornia', 'nvidia-dali-cuda120', 'simplejpeg', 'pillow',
         'opencv-python-headless', 'pycocotools', 'faster-coco-eval', 'numpy')


def parser(text: str) -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description=text,
                                    formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument('--rounds', type=int, default=ROUNDS,
                       help=f'rounds in which every candidate runs once (default: {ROUNDS})')
    return found


def seconds_of(run: Callable[[], object], finish: Callable[[], object] = lambda: None) -> float:
    """Return the seconds that ``run`` takes. ``finish`` waits for a GPU."""
    finish()
    begin = time.perf_counter()
    run()
    finish()
    return time.perf_counter() - begin


def in_turn(candidates: dict[str, Callable[[], float]], rounds: int,
            warm_up: int = WARM_UP) -> dict[str, list[float]]:
    """Measure the seconds of every candidate, round by round.

    Anything that slows the machine down then slows all candidates. Every round has a new order,
    since a candidate leaves caches that are cold for the next one.
    """
    found: dict[str, list[float]] = {name: [] for name in candidates}
    rng = random.Random(0)
    for i in range(warm_up + rounds):
        for name in rng.sample(list(candidates), len(candidates)):
            seconds = candidates[name]()
            if i >= warm_up:
                found[name].append(seconds)
    return found


def report(name: str, question: str, setting: str, times: dict[str, list[float]], reference: str,
           goals: dict[str, str] | None = None, per: int | None = None) -> None:
    """Print and keep the medians of the times, and the medians of the ratios to ``reference``.

    Args:
        goals: the goal of a candidate, by its name.
        per: the number of pictures that were handled in the measured time. If given, the medians
            are shown in pictures per second, and the ratios are those of speeds.
    """
    rows = []
    for candidate, seconds in times.items():
        # Ratios are taken within a round, since the machine may be slower in another one.
        ratios = [b / a if per else a / b for a, b in zip(seconds, times[reference])]
        rows.append(dict(name=candidate, median=statistics.median(seconds), low=min(seconds),
                         high=max(seconds), ratio=statistics.median(ratios),
                         goal=(goals or {}).get(candidate, '')))
    keep(name, dict(question=question, setting=setting, reference=reference, per=per, rows=rows))
    print(f'{question}\n{setting}; medians of {len(times[reference])} rounds')
    width = max(map(len, times))
    for row in rows:
        amount = f'{per / row["median"]:8.0f} img/s' if per else f'{1e3 * row["median"]:9.2f} ms'
        print(f'  {row["name"]:{width}s} {amount}  {row["ratio"]:5.2f} x {reference}'
              f'{"   goal: " + row["goal"] if row["goal"] else ""}')


def report_growth(name: str, question: str, setting: str, unit: str,
                  seconds: dict[int, float]) -> None:
    """Print and keep the seconds by size, and the power of the size by which they grow.

    A power of 1 is linear growth.
    """
    # On a log-log scale, the power is the slope of a line through all sizes.
    sizes, values = (np.log(list(numbers)) for numbers in (seconds, seconds.values()))
    exponent = float(np.polyfit(sizes, values, 1)[0])
    keep(name, dict(question=question, setting=setting, unit=unit,
                    growth=[dict(size=k, seconds=v) for k, v in seconds.items()],
                    exponent=exponent))
    print(f'{question}\n{setting}')
    for size, value in seconds.items():
        print(f'  {size:>8} {unit}: {value:.4f} s')
    print(f'  time grows as size to the power {exponent:.2f}')


def skip(name: str, question: str, reason: str) -> None:
    """Keep the reason why there is no figure for the page, unless an older figure exists."""
    print(f'{question}\n  skipped: {reason}')
    if not (RESULTS / f'{name}.json').is_file():
        keep(name, dict(question=question, skipped=reason))


def keep(name: str, found: dict) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    found = dict(found, machine=machine(), date=time.strftime('%Y-%m-%d'))
    # The new file replaces the old one only when it is complete, so an interrupted run keeps the
    # old one.
    part = RESULTS / f'{name}.json.part'
    part.write_text(json.dumps(found, indent=1))
    part.replace(RESULTS / f'{name}.json')


def machine() -> dict:
    cpu = platform.processor() or platform.machine()
    if Path('/proc/cpuinfo').is_file():
        lines = Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines()
        cpu = next((x.split(':')[1].strip() for x in lines if x.startswith('model name')), cpu)
    versions = {}
    for package in SHOWN:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return dict(cpu=cpu, cores=os.cpu_count(), python=platform.python_version(), versions=versions)
