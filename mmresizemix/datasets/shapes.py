"""The shapes of the demo scenes: outlines in the unit circle, and antialiased masks of them."""
import numpy as np
from PIL import Image, ImageDraw

SCENE_CLASSES = ('circle', 'square', 'triangle', 'ring', 'cross', 'star')

_OVERSAMPLING = 4


def outline(name: str) -> list[np.ndarray]:
    """Return the polygons of a shape as (n, 2) points. The first is filled, and the others are
    holes in it.

    Raises:
        ValueError: there is no shape of this name.
    """
    if name == 'ring':
        return [_star_points(48), 0.55 * _star_points(48)]
    if name == 'cross':
        arm = 0.36
        corner = np.array([[arm, arm], [arm, 1], [-arm, 1]]) / np.hypot(arm, 1)
        return [np.concatenate([_turned(corner, 90 * quarter) for quarter in range(4)])]
    if name == 'star':
        return [_star_points(10, inner=0.42)]
    corners = dict(circle=48, square=4, triangle=3)
    if name not in corners:
        raise ValueError(f'no shape {name!r}; choose one of {", ".join(SCENE_CLASSES)}')
    return [_star_points(corners[name])]


def draw_mask(name: str, size: tuple[int, int], centre: tuple[float, float], radius: float,
              degrees: float, squeeze: float = 1.0) -> np.ndarray:
    """Return how much of each pixel a shape covers, in 0..1, as (height, width) float32.

    Parts outside the picture are cut off.

    Args:
        name: one of :data:`SCENE_CLASSES`.
        size: (width, height) of the picture in pixels.
        centre: (x, y) of the shape's centre in pixels.
        radius: the radius in pixels of the circle around the shape.
        degrees: the angle by which the shape is turned.
        squeeze: a factor that narrows the shape along its own x axis.
    """
    # Draw at 4 times the size, then take the mean of each 4 x 4 block.
    width, height = size
    canvas = Image.new('L', (width * _OVERSAMPLING, height * _OVERSAMPLING))
    pen = ImageDraw.Draw(canvas)
    for hole, points in enumerate(outline(name)):
        placed = _turned(points * (squeeze, 1), degrees) * radius + centre
        pen.polygon((placed * _OVERSAMPLING).ravel().tolist(), fill=0 if hole else 255)
    return np.asarray(canvas.reduce(_OVERSAMPLING), np.float32) / 255


def _star_points(corners: int, inner: float = 1.0) -> np.ndarray:
    """Return a regular polygon in which every second corner lies at ``inner`` of the radius."""
    angles = 2 * np.pi * np.arange(corners) / corners
    reach = np.where(np.arange(corners) % 2, inner, 1.0)
    return np.stack([np.sin(angles), -np.cos(angles)], 1) * reach[:, None]


def _turned(points: np.ndarray, degrees: float) -> np.ndarray:
    angle = np.deg2rad(degrees)
    sin, cos = np.sin(angle), np.cos(angle)
    return points @ np.array([[cos, sin], [-sin, cos]])
