"""Distances between sets of pictures, against definitions written out."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from c2l.evaluation import cmmd, density_and_coverage
from c2l.evaluation.distances import latent_spread, spread


def some(num: int, each: int, seed: int, shift: float = 0.0) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(num, each, 12, generator=rng) + shift


def cmmd_by_definition(pictures: Tensor, reference: Tensor) -> float:
    x, y = (normalize(t.double(), dim=1) for t in (pictures.flatten(0, 1), reference))

    def kernel(a: Tensor, b: Tensor) -> float:
        return math.exp(-float((a - b).square().sum()) / (2 * 10.0**2))

    def mean_of_pairs(z: Tensor) -> float:
        pairs = [kernel(z[i], z[j]) for i in range(len(z)) for j in range(len(z)) if i != j]
        return sum(pairs) / len(pairs)

    across = [kernel(a, b) for a in x for b in y]
    return 1000 * (mean_of_pairs(x) + mean_of_pairs(y) - 2 * sum(across) / len(across))


def test_cmmd_is_its_definition_and_its_jackknife_leaves_prompts_out() -> None:
    pictures, reference = some(5, 3, 1, 0.4), some(9, 1, 2)[:, 0]
    estimate = cmmd(pictures, reference)
    assert estimate.value == pytest.approx(cmmd_by_definition(pictures, reference), rel=1e-8)
    keep = [i for i in range(5) if i != 2]
    without = cmmd_by_definition(pictures[keep], reference)
    assert estimate.per_prompt[2] == pytest.approx(5 * estimate.value - 4 * without, rel=1e-6)


def test_cmmd_of_one_distribution_is_zero_on_average() -> None:
    estimates = [cmmd(some(30, 2, 10 + s), some(60, 1, 1000 + s)[:, 0]) for s in range(40)]
    values = torch.tensor([e.value for e in estimates])
    assert abs(float(values.mean())) < 3 * float(values.std()) / 40**0.5
    assert (values < 0).any()  # no square of anything: the unbiased estimator may fall below
    # What the jackknife says of the spread over prompts is what repeating shows, within a factor.
    typical = sum(e.error or 0 for e in estimates) / 40
    assert 0.3 * float(values.std()) < typical < 2 * float(values.std())


def test_cmmd_grows_with_distance() -> None:
    reference = some(60, 1, 3)[:, 0]
    near, far = (cmmd(some(30, 2, 4, shift), reference).value for shift in (0.3, 1.0))
    assert 0 < near < far


def test_density_and_coverage_are_their_definitions() -> None:
    k = 2
    pictures, reference = some(4, 3, 5), some(11, 1, 6)[:, 0]
    y, x = normalize(pictures.double().flatten(0, 1), dim=1), normalize(reference.double(), dim=1)
    radii = [sorted(float((a - b).norm()) for b in x)[k] for a in x]  # [0] is the picture itself
    inside = torch.tensor([[float((a - b).norm()) <= r for b in y]
                           for a, r in zip(x, radii, strict=True)])  # fmt: skip
    density, coverage = density_and_coverage(pictures, reference, k=k)
    assert density.value == pytest.approx(float(inside.sum()) / (k * len(y)))
    assert coverage.value == pytest.approx(float(inside.any(1).double().mean()))
    without = float(inside[:, 3:].any(1).double().mean())
    assert coverage.per_prompt[0] == pytest.approx(4 * coverage.value - 3 * without)


def test_collapsed_pictures_are_dense_and_cover_little() -> None:
    reference = some(80, 1, 7)[:, 0]
    varied = density_and_coverage(some(40, 2, 8), reference)
    collapsed = density_and_coverage(reference[:1].expand(40, 2, -1), reference)
    assert collapsed[1].value < 0.2 < varied[1].value


def test_too_few_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="neighbours"):
        density_and_coverage(some(2, 2, 0), some(5, 1, 0)[:, 0])
    with pytest.raises(ValueError, match="two pictures"):
        cmmd(some(1, 1, 0), some(5, 1, 0)[:, 0])


def test_spread_is_the_mean_over_pairs() -> None:
    right_angles = torch.eye(3)[None]
    same = torch.ones(1, 3, 4)
    assert spread(right_angles).tolist() == pytest.approx([1.0])
    assert spread(same).tolist() == pytest.approx([0.0], abs=1e-12)


def test_independent_latents_are_the_root_of_two_apart() -> None:
    rng = torch.Generator().manual_seed(0)
    std = torch.tensor([[0.1, 3.0, 1.0, 7.0, 2.0] * 8 + [0.0]])  # the last one never varies
    latents = torch.randn(64, 8, 1, 41, generator=rng) * std
    assert float(latent_spread(latents, std).mean()) == pytest.approx(2**0.5, rel=0.02)
    groups = latents.expand(-1, -1, 3, -1)  # three codes, where the space has one
    assert torch.allclose(latent_spread(groups, std), latent_spread(latents, std))
