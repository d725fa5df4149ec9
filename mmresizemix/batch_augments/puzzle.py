"""The two optimisations of Puzzle Mix, solved exactly: shares by a minimum cut, moves by an
assignment.

Shapes: N samples, B x B blocks of a picture, m + 1 levels of a share.
"""
import numpy as np
import torch
from torch import Tensor

FORBIDDEN = 1e9  # the cost of a state that must not occur


def optimal_shares(cost: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    r"""Find the shares z of blocks that minimise

    .. math::
        \sum_i cost_i(z_i) + \sum_{ij} w_{ij} (z_i - z_j)^2, \quad z_i \in \{0, 1/m, \ldots, 1\}

    As the second term is convex in z_i - z_j, one minimum cut finds the global optimum (Ishikawa,
    "Exact optimization for Markov random fields with convex priors", 2003): with
    :math:`x_{ia} = [m z_i \ge a]` and :math:`d_a = x_{ia} - x_{ja}`,

    .. math::
        m^2 (z_i - z_j)^2 = \sum_a d_a^2 + 2 \sum_{a < b} d_a d_b, \quad
        d_a d_b = (1 - x_{ia}) x_{jb} + (1 - x_{ja}) x_{ib} \quad (x_{ib} \le x_{ia})

    Args:
        cost: (N, B, B, m + 1) float64, the costs of the shares 0, 1/m, ..., 1 of each block.
        rows: (N, B - 1, B), w >= 0 of blocks one above the other.
        columns: (N, B, B - 1), w >= 0 of blocks side by side.

    Returns:
        z, (N, B, B) float64.

    Raises:
        ImportError: PyMaxflow is not installed.
    """
    try:
        import maxflow
    except ImportError as error:
        raise ImportError('PuzzleMix needs PyMaxflow, which is not installed: '
                          'pip install PyMaxflow') from error
    n, B, _, levels = cost.shape
    m = levels - 1
    graph = maxflow.GraphFloat()
    # One node per x_ia, which is 1 on the sink's side. x_ia = 1 adds the step to the cost.
    x = graph.add_grid_nodes((m, n, B, B))
    step = np.moveaxis(np.diff(cost.numpy(), axis=-1), -1, 0)
    graph.add_grid_tedges(x, step.clip(min=0), (-step).clip(min=0))

    def pay(first: np.ndarray, second: np.ndarray, w: np.ndarray | float) -> None:
        """Add the cost w to the state x_first = 0 and x_second = 1."""
        each = np.broadcast_to(np.float64(w), first.shape).ravel()
        graph.add_edges(first.ravel(), second.ravel(), each, np.zeros_like(each))

    # x_ia never rises with a: a share of at least a + 1 levels is also one of at least a.
    for a in range(m - 1):
        pay(x[a], x[a + 1], FORBIDDEN)
    # The second term, by the formula above.
    pairs = ((x[:, :, :-1], x[:, :, 1:], rows), (x[..., :-1], x[..., 1:], columns))
    for i, j, smoothness in pairs:
        w = smoothness.numpy() / m**2
        for a in range(m):
            for b in range(a, m):
                pay(i[a], j[b], w if a == b else 2 * w)
                pay(j[a], i[b], w if a == b else 2 * w)
    # After the cut, a block's share is the number of its nodes on the sink's side.
    graph.maxflow()
    return torch.from_numpy(graph.get_grid_segments(x).sum(0) / m)


def optimal_moves(z: Tensor, saliency: Tensor, xi: float) -> Tensor:
    r"""Find the permutation Π of blocks that maximises

    .. math::
        \sum_j z_j s_{\Pi(j)} - \xi |j - \Pi(j)|^2 / (B - 1)^2

    Args:
        z: (N, B, B), how much of the picture each place shows.
        saliency: (N, B, B), s of the picture's blocks.

    Returns:
        Π, (N, B * B) int64, the block that each place shows.
    """
    from scipy.optimize import linear_sum_assignment
    B = z.shape[-1]
    place = np.stack(np.divmod(np.arange(B * B), B), 1) / (B - 1)
    distance = xi * ((place[:, None] - place[None])**2).sum(2)
    # linear_sum_assignment minimises, so that the gain counts negative.
    gain = z.flatten(1).numpy()[:, :, None] * saliency.flatten(1).numpy()[:, None]
    return torch.from_numpy(np.stack([linear_sum_assignment(distance - g)[1] for g in gain]))
