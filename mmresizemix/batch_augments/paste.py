"""Pasting drawn patches into a batch: ``Paste(P, I_t, R)`` of the paper's eq. 3. Draws nothing.

Two ways to the same pixels. On a CPU, slices: only what is pasted is resized and copied. On other
devices, one gather over the whole batch: no loop over samples, no wait for the device, and it
compiles without graph breaks.
"""
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .mix import Mix

INTERPOLATIONS = ('nearest', 'bilinear')


def paste(inputs: Tensor, mix: Mix, interpolation: str = 'bilinear', antialias: bool = False,
          inplace: bool = False) -> Tensor:
    """Give every sample the patch that ``mix`` says.

    Args:
        inputs: (N, C, H, W), floating, on any device.
        mix: what to paste where; its tensors are on the CPU. With ``inplace`` its partners must be
            a permutation, as drawn ones are.
        interpolation: 'nearest' or 'bilinear' (pixel centres aligned as in
            ``F.interpolate(align_corners=False)``), where a patch has to be resized.
        antialias: low-pass before shrinking. 'bilinear' only. Off the CPU this resizes patch by
            patch, since one gather cannot filter by a different width in every sample.
        inplace: overwrite ``inputs`` instead of a copy.

    The last three say how boxes are pasted; whole pictures with a ``weight`` need no resizing.

    Returns:
        (N, C, H, W), dtype and device of ``inputs``; ``inputs`` itself if ``inplace``.
    """
    if mix.weight is not None:
        return _blend(inputs, mix, mix.weight, inplace)
    if inputs.device.type == 'cpu' or antialias:
        return _paste_slices(inputs, mix, interpolation, antialias, inplace)
    device = inputs.device
    partner, source, target = (t.to(device, non_blocking=True)
                               for t in (mix.partner, mix.source, mix.target))
    same_place = mix.source is mix.target  # known without reading a box back from the device
    return paste_batched(inputs, partner, source, target, 'copy' if same_place else interpolation,
                         out=inputs if inplace else None)


def _blend(inputs: Tensor, mix: Mix, w: Tensor, inplace: bool) -> Tensor:
    """w I_s + (1 - w) I_t, pixel by pixel; exact where w is 0 or 1."""
    device = inputs.device
    mixed = (mix.target[:, 2] > 0)[:, None, None]  # an empty box mixes nothing
    weight = (w * mixed)[:, None].to(device, inputs.dtype, non_blocking=True)
    source, target = inputs[mix.partner.to(device, non_blocking=True)], inputs
    if mix.moves is not None:
        unmoved = torch.arange(mix.moves.shape[-1])
        moves = torch.where(mixed[:, 0], mix.moves, unmoved)
        source, target = map(move_blocks, (source, target), moves)
    return torch.lerp(target, source, weight, out=inputs if inplace else None)


def move_blocks(pictures: Tensor, order: Tensor) -> Tensor:
    """(N, C, H, W) with block k of B x B showing block ``order[:, k]`` of the same picture.

    Args:
        order: (N, B * B) int64, blocks counted row by row; B divides H and W.
    """
    n, channels, height, width = pictures.shape
    b = math.isqrt(order.shape[1])
    blocks = pictures.reshape(n, channels, b, height // b, b, width // b).permute(0, 2, 4, 1, 3, 5)
    blocks = blocks.reshape(n, b * b, channels, height // b, width // b)
    rows = torch.arange(n, device=pictures.device)[:, None]
    moved = blocks[rows, order.to(pictures.device, non_blocking=True)]
    moved = moved.reshape(n, b, b, channels, height // b, width // b).permute(0, 3, 1, 4, 2, 5)
    return moved.reshape(pictures.shape)


def _paste_slices(inputs: Tensor, mix: Mix, interpolation: str, antialias: bool,
                  inplace: bool) -> Tensor:
    partner, source, target = mix.partner.tolist(), mix.source.tolist(), mix.target.tolist()
    out = inputs if inplace else inputs.clone()
    # (C, 1, H, W): for channels as pictures of their own torch has a kernel of twice the speed.
    sources, targets = inputs.unsqueeze(2).unbind(), out.unsqueeze(2).unbind()
    whole = [0, 0, mix.size[1], mix.size[0]]

    def patch(i: int) -> Tensor:
        picture = sources[partner[i]]
        part = picture if source[i] == whole else _cut(picture, source[i])
        return _resize(part, target[i], interpolation, antialias)

    if not inplace:
        for i in range(len(partner)):
            _cut(targets[i], target[i]).copy_(patch(i))
        return out
    # In place a sample must be read before it is pasted over: walk from each to its partner.
    for cycle in _cycles(partner):
        last = cycle[-1]  # its partner is the first, gone by the time it is needed
        kept = patch(last).clone()
        for i in cycle[:-1]:
            _cut(targets[i], target[i]).copy_(patch(i))
        _cut(targets[last], target[last]).copy_(kept)
    return out


def _cycles(partner: list[int]) -> list[list[int]]:
    """[1, 0, 2] -> [[0, 1], [2]]: every sample is followed by its partner, the last by the first.

    Raises:
        ValueError: two samples have one partner, so that no order reads before it writes.
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
    """``picture`` (C, 1, h, w) at the size of ``box``; itself where that is its size."""
    size = (box[3] - box[1], box[2] - box[0])
    if 0 in size:
        return picture[..., :size[0], :size[1]]
    if picture.shape[-2:] == size:
        return picture
    # Half precision is resized in float: its kernels are missing or slow on a CPU.
    wide = picture if picture.dtype in (torch.float32, torch.float64) else picture.float()
    corners = None if interpolation == 'nearest' else False
    resized = F.interpolate(wide, size, mode=interpolation, align_corners=corners,
                            antialias=antialias)
    return resized.to(picture.dtype)


def paste_batched(inputs: Tensor, partner: Tensor, source: Tensor, target: Tensor,
                  interpolation: str, out: Tensor | None = None) -> Tensor:
    """:func:`paste` with static shapes, all tensors on the device of ``inputs``.

    ``interpolation='copy'`` is for source boxes that are their target boxes (CutMix). ``out`` may
    be ``inputs``: the patches are taken first.
    """
    height, width = inputs.shape[-2:]
    y, in_y = _source_coordinates(height, source[:, 1::2], target[:, 1::2], interpolation)
    x, in_x = _source_coordinates(width, source[:, 0::2], target[:, 0::2], interpolation)
    if interpolation == 'copy':
        patches = inputs[partner]
    elif interpolation == 'nearest':
        n = partner[:, None, None]
        patches = inputs.permute(0, 2, 3, 1)[n, y[:, :, None], x[:, None, :]].permute(0, 3, 1, 2)
    else:
        patches = _sample_bilinear(inputs[partner], x, y)
    inside = in_y[:, None, :, None] & in_x[:, None, None, :]
    return torch.where(inside, patches, inputs, out=out)


def _source_coordinates(length: int, source: Tensor, target: Tensor,
                        interpolation: str) -> tuple[Tensor, Tensor]:
    """Along one axis: where every output pixel reads, and whether it lies in the target box.

    ``source`` and ``target`` are (N, 2), first and past-the-last pixel; both results (N, length).
    """
    (s1, s2), (t1, t2) = (box.unbind(1) for box in (source, target))
    s1, s2, t1, t2 = (edge[:, None] for edge in (s1, s2, t1, t2))
    out = torch.arange(length, device=source.device)[None]
    inside = (t1 <= out) & (out < t2)
    extent = (t2 - t1).clamp(min=1)  # an empty box reads nothing
    last = (s2 - 1).clamp(min=0)
    if interpolation == 'bilinear':
        # double, as rounding here moves every pixel of a patch
        at = s1 + ((out - t1).double() + .5) * (s2 - s1) / extent - .5
        return torch.minimum(torch.maximum(at, s1), last), inside
    # in float32, as F.interpolate rounds
    at = s1 + ((out - t1).float() * ((s2 - s1).float() / extent.float())).long()
    return torch.minimum(torch.maximum(at, s1.minimum(last)), last), inside


def _sample_bilinear(pictures: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Pixels of ``pictures`` (N, C, H, W) at columns ``x`` (N, W) and rows ``y`` (N, H)."""
    height, width = pictures.shape[-2:]
    dtype = torch.float64 if pictures.dtype == torch.float64 else torch.float32
    gx, gy = ((2 * at + 1) / n - 1 for at, n in ((x, width), (y, height)))  # grid_sample's -1..1
    grid = torch.stack(
        torch.broadcast_tensors(gx[:, None, :], gy[:, :, None]), dim=-1).to(dtype)
    sampled = F.grid_sample(pictures.to(dtype), grid, mode='bilinear', padding_mode='border',
                            align_corners=False)
    return sampled.to(pictures.dtype)
