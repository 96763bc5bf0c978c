"""Distances between two sets of pictures in an embedding space.

One set is drawn for prompts, N pictures of each of P; the other is the reference: M pictures of
the generator's own distribution.
"""

# Letters: P prompts, N pictures of each, M reference pictures, E embedding width, k neighbours.

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from c2l.evaluation.estimates import Estimate

SIGMA = 10.0
"""The width of CMMD's Gaussian kernel and the factor of its result, both as in the paper."""
FACTOR = 1000.0
NUM_NEIGHBOURS = 5
"""k of density and coverage, as in their paper."""
_ROWS_AT_ONCE = 512


def cmmd(pictures: Tensor, reference: Tensor) -> Estimate:
    """CMMD: the squared maximum mean discrepancy of unit embeddings, times 1000; lower is closer.

    Jayasumana et al. 2024, arXiv 2401.09603, with the unbiased estimator (no pair of a picture
    with itself): two sets of one distribution give 0 on average, whatever their sizes, and
    sometimes less.

    Args:
        pictures: float, (P, N, E), not normalised.
        reference: float, (M, E).
    Raises:
        ValueError: fewer than two pictures on one side.
    """
    num, each = pictures.shape[:2]
    total, size = num * each, len(reference)
    if total < 2 or size < 2:
        raise ValueError("CMMD needs at least two pictures on each side")
    ours, theirs = _unit(pictures.flatten(0, 1)), _unit(reference)
    # Sums of the kernel over pairs of prompts (P, P), and between prompts and reference (P,).
    blocks, across = [], []
    for some in ours.split(max(1, _ROWS_AT_ONCE // each) * each):
        blocks.append(_kernel(some, ours).view(-1, each, num, each).sum((1, 3)))
        across.append(_kernel(some, theirs).view(-1, each * size).sum(1))
    inside, between = torch.cat(blocks), torch.cat(across)
    alone = inside.diagonal().clone()
    inside.diagonal().sub_(each)  # the pairs of a picture with itself, whose kernel is 1
    within = sum(float(_kernel(some, theirs).sum()) for some in theirs.split(_ROWS_AT_ONCE)) - size

    def distance(pairs: Tensor, mixed: Tensor, count: int) -> Tensor:
        return FACTOR * (
            pairs / (count * (count - 1))
            + within / (size * (size - 1))
            - 2 * mixed / (count * size)
        )

    value = float(distance(inside.sum(), between.sum(), total))
    rest = total - each
    if rest < 2:
        return Estimate(value)
    left = inside.sum() - 2 * inside.sum(1) + alone - each
    return Estimate.of_jackknife(value, distance(left, between.sum() - between, rest))


def density_and_coverage(
    pictures: Tensor, reference: Tensor, *, k: int = NUM_NEIGHBOURS
) -> tuple[Estimate, Estimate]:
    """Density and coverage: how typical pictures are of the reference, and how much they reach.

    Naeem et al. 2020, arXiv 2002.09797, on unit embeddings. Each reference picture is the centre
    of a ball that extends to its k-th neighbour. Density is the mean number of balls that a
    picture lies in, divided by k: 1 for pictures of the same distribution, more where they
    crowd. Coverage is the share of balls that contain a picture; it grows with their number.

    Args:
        pictures: float, (P, N, E).
        reference: float, (M, E), M > k.
        k: the neighbour that a ball extends to.
    Raises:
        ValueError: there are only k reference pictures or fewer.
    """
    if len(reference) <= k:
        raise ValueError(f"{k} neighbours need more than {k} reference pictures")
    num, each = pictures.shape[:2]
    ours, theirs = _unit(pictures.flatten(0, 1)), _unit(reference)
    counts = []  # (M, P): how many pictures of each prompt a ball contains
    for some in theirs.split(_ROWS_AT_ONCE):
        # The nearest of all is the picture itself.
        radius = _squared(some, theirs).kthvalue(k + 1, dim=1).values
        inside = _squared(some, ours) <= radius[:, None]
        counts.append(inside.view(-1, num, each).sum(2))
    balls = torch.cat(counts).double()
    density = Estimate.of_mean(balls.sum(0) / (k * each))
    total = balls.sum(1)
    value = float((total > 0).double().mean())
    without = (total[:, None] - balls > 0).double().mean(0)
    return density, Estimate.of_jackknife(value, without)


def spread(pictures: Tensor) -> Tensor:
    """Mean of 1 - cosine over all pairs of a prompt's pictures: (P, N, E), N > 1, to (P,)."""
    unit = normalize(pictures.double(), dim=2)
    return _mean_of_pairs(1 - unit @ unit.transpose(1, 2))


def latent_spread(latents: Tensor, std: Tensor) -> Tensor:
    """Mean distance over all pairs of a prompt's latents, in standard deviations of the space.

    The distance is the root mean square over all dimensions, so two independent latents of the
    generator's own distribution are about the square root of 2 apart.

    Args:
        latents: (P, N, K, D), N > 1.
        std: of the generator's latent space, (K', D); its mean over codes where K' is not K.
    Returns:
        (P,).
    """
    if len(std) != latents.shape[2]:
        std = std.mean(0, keepdim=True)
    scale = std.double().expand(latents.shape[2], -1)
    varies = scale > 1e-6 * scale.max()  # a constant dimension says nothing about diversity
    scaled = latents.double()[:, :, varies] / scale[varies]
    return _mean_of_pairs(torch.cdist(scaled, scaled) / scaled.shape[2] ** 0.5)


def _mean_of_pairs(values: Tensor) -> Tensor:
    """The mean off the diagonal: (P, N, N) to (P,)."""
    num = values.shape[1]
    diagonal = values.diagonal(dim1=1, dim2=2).sum(1)
    return (values.sum((1, 2)) - diagonal) / (num * (num - 1))


def _unit(embeddings: Tensor) -> Tensor:
    # The kernel differs from 1 by a few hundredths at most: float32 would lose half its digits.
    return normalize(embeddings.double(), dim=1)


def _squared(a: Tensor, b: Tensor) -> Tensor:
    """Squared distances of unit rows."""
    return (2 - 2 * a @ b.T).clamp_min(0)


def _kernel(a: Tensor, b: Tensor) -> Tensor:
    return torch.exp(_squared(a, b) / (-2 * SIGMA**2))
