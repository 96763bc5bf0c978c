"""Standard errors, the jackknife, and paired tests against known values."""

from __future__ import annotations

import math

import pytest
import torch

from c2l.evaluation import Difference, Estimate
from c2l.evaluation.estimates import standard_error, student_p


@pytest.mark.parametrize(
    ("t", "degrees", "p"),
    # Quantiles as printed tables of Student's distribution give them.
    [(12.706, 1, 0.05), (1.0, 1, 0.5), (4.303, 2, 0.05), (2.571, 5, 0.05), (2.228, 10, 0.05),
     (3.169, 10, 0.01), (2.042, 30, 0.05), (0.0, 7, 1.0), (1.984, 100, 0.05)],
)  # fmt: skip
def test_p_values_are_those_of_the_tables(t: float, degrees: int, p: float) -> None:
    assert student_p(t, degrees) == pytest.approx(p, rel=2e-3)
    assert student_p(-t, degrees) == student_p(t, degrees)


def test_the_jackknife_of_a_mean_has_the_error_of_a_mean() -> None:
    values = torch.tensor([1.0, 4.0, 2.0, 7.0, 5.5], dtype=torch.float64)
    without = (values.sum() - values) / 4
    jackknife = Estimate.of_jackknife(float(values.mean()), without)
    plain = Estimate.of_mean(values)
    assert jackknife.value == plain.value
    assert jackknife.error == pytest.approx(plain.error)
    assert jackknife.per_prompt == pytest.approx(values.tolist())


def test_one_prompt_has_no_error() -> None:
    assert Estimate.of_mean(torch.tensor([0.5])).error is None
    assert standard_error([1.0, 3.0]) == pytest.approx(1.0)


def test_pairs_take_out_what_prompts_have_in_common() -> None:
    hard = torch.randn(40, generator=torch.Generator().manual_seed(0)).double()
    noise = 0.05 * torch.randn(40, generator=torch.Generator().manual_seed(1)).double()
    one, other = Estimate.of_mean(hard + 0.1 + noise), Estimate.of_mean(hard)
    assert one.error is not None and one.error > 0.1  # unpaired, nothing could be said
    difference = Difference.between(one, other)
    assert difference.error is not None and difference.p is not None
    assert difference.value == pytest.approx(0.1, abs=0.03)
    assert difference.error < 0.01
    assert difference.p < 1e-6


def test_equal_scores_do_not_differ() -> None:
    one = Estimate.of_mean(torch.tensor([0.25, 0.5, 1.0]))
    assert Difference.between(one, one) == Difference(0.0, 0.0, 1.0)


def test_a_score_that_cannot_be_split_has_a_difference_and_no_p() -> None:
    assert Difference.between(Estimate(3.0), Estimate(1.0)) == Difference(2.0)


def test_estimates_survive_json() -> None:
    one = Estimate.of_mean(torch.tensor([0.25, 0.5, 1.0]))
    again = Estimate.from_dict(one.to_dict())
    assert math.isclose(again.value, one.value, rel_tol=1e-5)
    assert again.per_prompt == pytest.approx(one.per_prompt, rel=1e-5)
