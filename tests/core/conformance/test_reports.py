"""What a report says: counts, reasons, expected failures, too few checks; and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

import c2l
from c2l.conformance import checking
from c2l.conformance.law import always
from c2l.conformance.laws import LAWS, MINIMUM
from c2l.errors import BadInput, BadWeights
from c2l.plugins import registry
from c2l.testing import (
    Report,
    ToyEmbedder,
    ToyGenerator,
    assert_conforms,
    check,
    install_package,
    plugin_source,
)

LAW = "gradients_reach_the_latents"


class NoGradient(ToyGenerator):
    def synthesize(self, latents: Tensor, **options: Any) -> Tensor:
        return super().synthesize(latents, **options).detach()


class Declares(NoGradient):
    differentiable = False


def counts(report: Report) -> dict[str, int]:
    return dict(report.counts)


def test_what_is_not_declared_is_asked_for() -> None:
    report = check(NoGradient)
    assert [failure.law for failure in report.failures] == [LAW]
    assert "declare `differentiable = False`" in str(report)


def test_what_is_declared_away_does_not_apply() -> None:
    report = check(Declares)
    assert report.passed and report.exit_code == 0
    assert "no gradients" in str(report) and len(str(report).splitlines()) == 1


def test_an_expected_failure_passes_with_its_reason() -> None:
    report = check(NoGradient, expected_failures={LAW: "numpy inside"})
    assert report.passed and counts(report)["expected failure"] == 1
    assert "1 expected failure (numpy inside)" in str(report)
    assert_conforms(NoGradient, expected_failures={LAW: "numpy inside"})


@pytest.mark.parametrize(("part", "how"), [(ToyGenerator, "is kept"), (Declares, "does not apply")])
def test_an_unexpected_pass_fails(part: Any, how: str) -> None:
    with pytest.raises(AssertionError, match=rf"it {how}, but was expected to fail \(a bug\)"):
        assert_conforms(part, expected_failures={LAW: "a bug"})


def test_a_law_that_does_not_exist_is_refused() -> None:
    with pytest.raises(BadInput, match="there is no law 'gradients_reach_latents'") as caught:
        check(ToyGenerator, expected_failures={"gradients_reach_latents": "x"})
    assert LAW in caught.value.hint


def test_too_few_checks_are_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {**LAWS, "generator": LAWS["generator"][:6]}
    monkeypatch.setattr(checking, "LAWS", few)
    report = check(ToyGenerator)
    assert [failure.law for failure in report.failures] == [checking.ENOUGH]
    assert "only 4 laws apply" in str(report)


@pytest.mark.parametrize("interface", LAWS)
def test_as_many_laws_have_no_condition(interface: Any) -> None:
    unconditional = [law for law in LAWS[interface] if law.unless is always]
    assert MINIMUM[interface] == len(unconditional)


def test_json() -> None:
    report = check(NoGradient)
    told = json.loads(report.to_json())
    assert told["counts"] == counts(report) and not told["passed"]
    assert {finding["law"] for finding in told["findings"]} == {
        law.name for law in LAWS["generator"]
    }


def test_every_law_says_its_rule_and_its_needs_come_first() -> None:
    for laws in LAWS.values():
        names = [law.name for law in laws]
        assert len(set(names)) == len(names)
        for place, law in enumerate(laws):
            assert law.rule.endswith(".")
            assert {need.__name__ for need in law.needs} <= set(names[:place]), law.name


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (ToyEmbedder(), "is a part; laws make several"),
        (3, "is neither a reference nor makes parts"),
        (Path, "is neither a c2l.Generator"),
        (dict, "is neither a c2l.Generator"),
        (lambda: 3, "is neither a c2l.Generator"),
    ],
)
def test_what_is_no_part_is_refused(given: Any, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        check(given)


def test_damaged_weights_are_no_fault_of_the_plugin(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"nothing")
    with pytest.raises(BadWeights):
        check(f"stylegan:{path}")


def test_a_class_that_cannot_be_loaded_is_the_fault_of_its_plugin(own_packages: Path) -> None:
    install_package(own_packages, "mygan", {"faces": plugin_source("my-faces")})
    with pytest.raises(Exception, match="there is no generator my-faces:x"):
        check("my-faces:x")


def test_a_class_that_lives_here_is_checked_here(tmp_path: Path) -> None:
    weights = tmp_path / "x.bin"
    weights.write_bytes(b"0123")

    class Live(ToyGenerator):
        pass

    c2l.register_generator(Live, kind="live-toy")
    try:
        report = check(f"live-toy:{weights}")
    finally:
        registry.cache_clear()
    assert report.passed and "it lives in this process alone" in str(report), str(report)
