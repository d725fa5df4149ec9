"""Pasting of patches into a batch, ``Paste(P, I_t, R)`` of the paper's eq. 3, without any drawing.

There are two implementations, which give the same pixels. On a CPU, the patches are slices: only
what is pasted is resized and copied. On other devices, one gather handles the whole batch: it needs
no loop over samples and no wait for the device, and it compiles without graph breaks.

Shapes: N samples, C channels, H x W pixels of a picture, h x w pixels of a part of it, B x B blocks
of a picture.
"""
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .mix import Mix

INTERPOLATIONS = ('nearest', 'bilinear')


def paste(inputs: Tensor, mix: Mix, interpolation: str = 'bilinear', antialias: bool = False,
          inplace: bool = False, history: Tensor | None = None) -> Tensor:
    """Paste into every sample the patch that ``mix`` describes.

    Args:
        inputs: (N, C, H, W) of a floating dtype, on any device.
        mix: what to paste where. Its tensors are on the CPU. With ``inplace``, if it pastes boxes
            on a CPU or antialiased, its partners must be a permutation, as drawn ones are.
        interpolation: 'nearest' or 'bilinear' (pixel centres aligned as in
            ``F.interpolate(align_corners=False)``), used if a patch has to be resized.
        antialias: whether to low-pass before shrinking, for 'bilinear' only. On devices other than
            the CPU this resizes patch by patch, since one gather cannot filter by a different width
            in every sample.
        inplace: whether to overwrite ``inputs`` instead of a copy.
        history: the pictures of the earlier batch if ``mix.from_history``, (M, C, H, W) of the
            dtype and on the device of ``inputs``.

    ``interpolation`` and ``antialias`` apply to boxes only. Whole pictures with a ``weight`` need
    no resizing.

    Returns:
        (N, C, H, W) in the dtype and on the device of ``inputs``. It is ``inputs`` itself if
        ``inplace``. Gradients flow to the pictures, to each through the pixels that are shown.

    Raises:
        ValueError: ``inplace`` is set, and ``inputs`` shows one number at two places, or is a leaf
            that requires gradients.
    """
    if inplace:
        _check_overwritable(inputs)
    sources = mix.sources(inputs, history)
    if mix.weight is not None:
        return _blend(inputs, sources, mix, mix.weight, inplace)
    if inputs.device.type == 'cpu' or antialias:
        return _paste_slices(inputs, sources, mix, interpolation, antialias, inplace)
    device = inputs.device
    partner, source, target = (t.to(device, non_blocking=True)
                               for t in (mix.partner, mix.source, mix.target))
    # The identity of the boxes is known without a read from the device.
    same_place = mix.source is mix.target
    return paste_batched(inputs, partner, sources, source=source, target=target,
                         interpolation='copy' if same_place else interpolation,
                         out=inputs if inplace else None)


def _check_overwritable(inputs: Tensor) -> None:
    if inputs.requires_grad and inputs.is_leaf and torch.is_grad_enabled():
        raise ValueError('inputs: expected no leaf that requires gradients, since inplace=True '
                         'overwrites it')
    # Without overlap, each stride passes all that the smaller ones reach.
    reach = 0
    for stride, length in sorted((stride, length) for stride, length in zip(
            inputs.stride(), inputs.shape) if length > 1):
        if stride <= reach:
            raise ValueError('inputs: expected a tensor that shows each of its numbers at one '
                             f'place, since inplace=True overwrites it, got strides '
                             f'{tuple(inputs.stride())}; give inputs.clone() or set inplace=False')
        reach += stride * (length - 1)


def _blend(inputs: Tensor, sources: Tensor, mix: Mix, w: Tensor, inplace: bool) -> Tensor:
    """Return w I_s + (1 - w) I_t, pixel by pixel. It is exact where w is 0 or 1."""
    device = inputs.device
    mixed = (mix.target[:, 2] > 0)[:, None, None]  # an empty box mixes nothing
    weight = (w * mixed)[:, None].to(device, inputs.dtype, non_blocking=True)
    source, target = sources[mix.partner.to(device, non_blocking=True)], inputs
    if mix.moves is not None:
        # The blocks of a sample that is not mixed stay where they are.
        unmoved = torch.arange(mix.moves.shape[-1])
        moves = torch.where(mixed[:, 0], mix.moves, unmoved)
        source, target = map(move_blocks, (source, target), moves)
    out = torch.lerp(target, source, weight)
    # 0 times NaN or infinity is NaN: where one picture alone is shown, the other must not matter.
    out = torch.where(weight == 1, source, torch.where(weight == 0, target, out))
    return inputs.copy_(out) if inplace else out


def move_blocks(pictures: Tensor, order: Tensor) -> Tensor:
    """Return (N, C, H, W) in which block k shows block ``order[:, k]`` of the same picture.

    Args:
        order: (N, B * B) int64. The B x B blocks are counted row by row, and B divides H and W.
    """
    n, channels, height, width = pictures.shape
    b = math.isqrt(order.shape[1])
    # Split into blocks, (N, B * B, C, H / B, W / B).
    blocks = pictures.reshape(n, channels, b, height // b, b, width // b).permute(0, 2, 4, 1, 3, 5)
    blocks = blocks.reshape(n, b * b, channels, height // b, width // b)
    # Reorder them, sample by sample, and join them to pictures again.
    rows = torch.arange(n, device=pictures.device)[:, None]
    moved = blocks[rows, order.to(pictures.device, non_blocking=True)]
    moved = moved.reshape(n, b, b, channels, height // b, width // b).permute(0, 3, 1, 4, 2, 5)
    return moved.reshape(pictures.shape)


def _paste_slices(inputs: Tensor, pictures: Tensor, mix: Mix, interpolation: str,
                  antialias: bool, inplace: bool) -> Tensor:
    partner, source, target = mix.partner.tolist(), mix.source.tolist(), mix.target.tolist()
    out = inputs if inplace else inputs.clone()
    # (C, 1, H, W): torch resizes channels twice as fast if each is a picture of its own.
    sources, targets = _split(pictures.unsqueeze(2)), _split(out.unsqueeze(2))
    whole = [0, 0, mix.size[1], mix.size[0]]

    def patch(i: int) -> Tensor:
        picture = sources[partner[i]]
        part = picture if source[i] == whole else _cut(picture, source[i])
        return _resize(part, target[i], interpolation, antialias)

    if not inplace or mix.from_history:
        for i in range(len(partner)):
            _cut(targets[i], target[i]).copy_(patch(i))
        return out
    # In place, a sample must be read before it is overwritten: walk from each to its partner. The
    # partner of the last is the first, which is overwritten by then, so that its patch is kept.
    for cycle in _cycles(partner):
        last = cycle[-1]
        kept = patch(last).clone()
        for i in cycle[:-1]:
            _cut(targets[i], target[i]).copy_(patch(i))
        _cut(targets[last], target[last]).copy_(kept)
    return out


def _split(batch: Tensor) -> Sequence[Tensor]:
    """Return the samples of a batch, as views."""
    # unbind is quicker, but autograd lets nobody overwrite one of several views.
    return [batch[i] for i in range(len(batch))] if batch.requires_grad else batch.unbind()


def _cycles(partner: list[int]) -> list[list[int]]:
    """Split partners into cycles, for example [1, 0, 2] into [[0, 1], [2]]. Every sample is
    followed by its partner. The last one's partner is the first.

    Raises:
        ValueError: two samples have the same partner, so that no order reads before it writes.
    """
    if len(set(partner)) < len(partner):
        raise ValueError(f'partner: expected a permutation for inplace=True, got {partner}')
    cycles, left = [], set(range(len(partner)))
    while left:
        cycle = [left.pop()]
        while partner[cycle[-1]] in left:
            left.remove(partner[cycle[-1]])
            cycle.append(partner[cycle[-1]])
        cycles.append(cycle)
    return cycles


def _cut(picture: Tensor, box: list[int]) -> Tensor:
    x1, y1, x2, y2 = box
    return picture[..., y1:y2, x1:x2]


def _resize(picture: Tensor, box: list[int], interpolation: str, antialias: bool) -> Tensor:
    """Resize ``picture`` (C, 1, h, w) to the size of ``box``. Return it as it is if it already has
    this size."""
    size = (box[3] - box[1], box[2] - box[0])
    if 0 in size:
        return picture[..., :size[0], :size[1]]
    if picture.shape[-2:] == size:
        return picture
    # Half precision is resized in float32, as its kernels are missing or slow on a CPU.
    wide = picture if picture.dtype in (torch.float32, torch.float64) else picture.float()
    corners = None if interpolation == 'nearest' else False
    resized = F.interpolate(wide, size, mode=interpolation, align_corners=corners,
                            antialias=antialias)
    return resized.to(picture.dtype)


def paste_batched(inputs: Tensor, partner: Tensor, sources: Tensor | None = None, *,
                  source: Tensor, target: Tensor, interpolation: str,
                  out: Tensor | None = None) -> Tensor:
    """Paste as :func:`paste` does, with static shapes. All tensors are on the device of ``inputs``.

    ``sources`` are the pictures that partners are samples of. None means ``inputs``.
    ``interpolation='copy'`` is for source boxes that equal their target boxes (CutMix). ``out`` may
    be ``inputs``, since the patches are read first.
    """
    height, width = inputs.shape[-2:]
    sources = inputs if sources is None else sources
    # Find where every output pixel reads, axis by axis.
    y, in_y = _source_coordinates(height, source[:, 1::2], target[:, 1::2], interpolation)
    x, in_x = _source_coordinates(width, source[:, 0::2], target[:, 0::2], interpolation)
    # Read there, as if every patch filled its picture.
    if interpolation == 'copy':
        patches = sources[partner]
    elif interpolation == 'nearest':
        n = partner[:, None, None]
        patches = sources.permute(0, 2, 3, 1)[n, y[:, :, None], x[:, None, :]].permute(0, 3, 1, 2)
    else:
        patches = _sample_bilinear(sources[partner], x, y)
    # Keep the target outside of the boxes.
    inside = in_y[:, None, :, None] & in_x[:, None, None, :]
    return torch.where(inside, patches, inputs, out=out)


def _source_coordinates(length: int, source: Tensor, target: Tensor,
                        interpolation: str) -> tuple[Tensor, Tensor]:
    """Return, along one axis, where every output pixel reads and whether it is in the target box.

    ``source`` and ``target`` are (N, 2), the first and the past-the-last pixel. Both results are
    (N, length).
    """
    (s1, s2), (t1, t2) = (box.unbind(1) for box in (source, target))
    s1, s2, t1, t2 = (edge[:, None] for edge in (s1, s2, t1, t2))
    out = torch.arange(length, device=source.device)[None]
    inside = (t1 <= out) & (out < t2)
    # An empty box is never read, but its extent must not divide by 0, nor its last pixel be
    # negative.
    extent = (t2 - t1).clamp(min=1)
    last = (s2 - 1).clamp(min=0)
    if interpolation == 'bilinear':
        # In float64, since a rounding error here would move every pixel of a patch.
        at = s1 + ((out - t1).double() + .5) * (s2 - s1) / extent - .5
        return torch.minimum(torch.maximum(at, s1), last), inside
    # In float32, to round as F.interpolate does on the CPU.
    at = s1 + ((out - t1).float() * ((s2 - s1).float() / extent.float())).long()
    return torch.minimum(torch.maximum(at, s1.minimum(last)), last), inside


def _sample_bilinear(pictures: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Sample ``pictures`` (N, C, H, W) at columns ``x`` (N, W) and rows ``y`` (N, H)."""
    height, width = pictures.shape[-2:]
    dtype = torch.float64 if pictures.dtype == torch.float64 else torch.float32
    # grid_sample counts from -1 to 1, between the outer edges of the border pixels.
    gx, gy = ((2 * at + 1) / n - 1 for at, n in ((x, width), (y, height)))
    grid = torch.stack(
        torch.broadcast_tensors(gx[:, None, :], gy[:, :, None]), dim=-1).to(dtype)
    sampled = F.grid_sample(pictures.to(dtype), grid, mode='bilinear', padding_mode='border',
                            align_corners=False)
    return sampled.to(pictures.dtype)
