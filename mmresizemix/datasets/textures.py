"""Textures of the demo scenes: random patterns between two random colours.

Every pattern takes a size (width, height), and returns (height, width) floats in 0..1.
"""
import colorsys
from collections.abc import Callable

import numpy as np
from PIL import Image

Size = tuple[int, int]
Pattern = Callable[[Size, np.random.Generator], np.ndarray]


def texture(size: Size, colours: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a random pattern between the two rows of ``colours``, (height, width, 3) float32."""
    pattern = PATTERNS[rng.integers(len(PATTERNS))](size, rng)[..., None]
    return (colours[0] * (1 - pattern) + colours[1] * pattern).astype(np.float32)


def draw_colours(rng: np.random.Generator, apart_from: np.ndarray | None = None) -> np.ndarray:
    """Draw two related colours, (2, 3) in 0..255, whose mean is far from that of ``apart_from``."""
    # After 20 attempts, take the last pair, however near it is.
    for _ in range(20):
        hue, saturation, value = rng.random(), rng.uniform(.15, .75), rng.uniform(.25, .92)
        second = (hue + rng.normal(0, .06)) % 1, saturation, np.clip(
            value + rng.choice([-1, 1]) * rng.uniform(.12, .3), .1, 1)
        pair = 255 * np.array([colorsys.hsv_to_rgb(hue, saturation, value),
                               colorsys.hsv_to_rgb(*second)])
        if apart_from is None or np.linalg.norm(pair.mean(0) - apart_from.mean(0)) > 110:
            break
    return pair


def plain(size: Size, rng: np.random.Generator) -> np.ndarray:
    """Draw one random value everywhere."""
    return np.full(size[::-1], rng.random())


def gradient(size: Size, rng: np.random.Generator) -> np.ndarray:
    """Draw a ramp in a random direction."""
    along = _ramp(size, rng)
    return (along - along.min()) / (np.ptp(along) + 1e-6)


def stripes(size: Size, rng: np.random.Generator) -> np.ndarray:
    """Draw waves in a random direction."""
    return _soft_step(np.sin(2 * np.pi * (_ramp(size, rng) / _period(size, rng) + rng.random())))


def checker(size: Size, rng: np.random.Generator) -> np.ndarray:
    """Draw two waves across each other."""
    period, angle = _period(size, rng), rng.uniform(0, np.pi)
    waves = [np.sin(2 * np.pi * _ramp(size, rng, angle + turn) / period)
             for turn in (0, np.pi / 2)]
    return _soft_step(2 * waves[0] * waves[1])


def smooth_noise(size: Size, rng: np.random.Generator) -> np.ndarray:
    """Draw a few random cells, enlarged smoothly."""
    cells = rng.integers(3, 9)
    coarse = Image.fromarray(rng.random((cells, cells), np.float32))
    return np.clip(np.asarray(coarse.resize(size, Image.Resampling.BICUBIC)), 0, 1)


PATTERNS: tuple[Pattern, ...] = (plain, gradient, stripes, checker, smooth_noise)


def _ramp(size: Size, rng: np.random.Generator, angle: float | None = None) -> np.ndarray:
    """Return the distance of each pixel along a direction, by default a random one."""
    if angle is None:
        angle = rng.uniform(0, 2 * np.pi)
    x, y = np.arange(size[0]), np.arange(size[1])
    return np.cos(angle) * x[None, :] + np.sin(angle) * y[:, None]


def _period(size: Size, rng: np.random.Generator) -> float:
    return max(4., min(size) * rng.uniform(.08, .3))


def _soft_step(wave: np.ndarray) -> np.ndarray:
    """Map -1..1 to 0..1 by a step that is a pixel or two wide, so that edges do not alias."""
    return np.clip(.5 + 1.5 * wave, 0, 1)
