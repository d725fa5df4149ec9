"""Draw the README's figure: two photographs, mixed by three methods.

    python docs/scripts/photographs.py     # takes a few seconds; writes the same file every time

The photographs come with scikit-image (``skimage.data``). Both are CC0: the cat is by Stéfan van der Walt, the coffee
by Rachel Michetti.
"""
import mmpretrain.models.utils.batch_augments as theirs
import numpy as np
import skimage.data
import torch
from figures import write
from matplotlib.figure import Figure
from PIL import Image

from mmresizemix import CutMix, ResizeMix

SIDE, NAMES, SEED = 224, ('coffee', 'cat'), 19


def square(pixels: np.ndarray) -> torch.Tensor:
    """Return the largest square in the middle, resized to (3, SIDE, SIDE), with values in 0..1."""
    side = min(pixels.shape[:2])
    top, left = ((length - side) // 2 for length in pixels.shape[:2])
    picture = Image.fromarray(pixels[top:top + side, left:left + side]).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1) / 255


def show_photographs(figure: Figure) -> None:
    """Draw the target, the source, and what each method makes of them."""
    pictures = torch.stack([square(skimage.data.coffee()), square(skimage.data.cat())])
    labels = torch.eye(2)
    np.random.seed(SEED)  # MMPretrain's augments have no generator of their own
    torch.manual_seed(SEED)
    mixed = {'ResizeMix': ResizeMix(seed=SEED)(pictures, labels),
             'CutMix': CutMix(seed=SEED)(pictures, labels),
             "MMPretrain's ResizeMix": theirs.ResizeMix(alpha=1.0).mix(pictures.clone(), labels)}
    shown = {'target': (pictures[0], None), 'source': (pictures[1], None),
             **{name: (images[0], scores[0]) for name, (images, scores) in mixed.items()}}
    for axis, (name, (picture, score)) in zip(figure.subplots(1, len(shown)), shown.items()):
        axis.imshow(picture.permute(1, 2, 0).numpy())
        axis.set_title(name, fontsize=9, fontweight='bold')
        label = NAMES[0 if name == 'target' else 1] if score is None else ', '.join(
            f'{share:.2f} {of}' for share, of in zip(score.tolist(), NAMES))
        axis.set_xlabel(label, fontsize=9)
        axis.set(xticks=[], yticks=[])


if __name__ == '__main__':
    write('photographs.png', (9, 2.25), show_photographs, dpi=100)
