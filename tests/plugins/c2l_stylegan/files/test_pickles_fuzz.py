"""Mutated files: never executed, never endless, a clean error or a valid network."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BENCHMARKS = Path(__file__).parents[4] / "benchmarks"
DATA = Path(__file__).parents[3] / "data"


@pytest.fixture(scope="module")
def check_mutant():  # type: ignore[no-untyped-def]
    sys.path.insert(0, str(BENCHMARKS))
    try:
        from fuzz_readers import check_mutant
    finally:
        sys.path.remove(str(BENCHMARKS))
    return check_mutant


@pytest.mark.parametrize(
    "original",
    [
        DATA / "stylegan" / "sg2-cond-16" / "network.pkl",
        DATA / "stylegan-files" / "tf-legacy-32" / "network.pkl",
        DATA / "stylegan-files" / "rosinality-32" / "model.pt",
        DATA / "c2l-prior" / "tiny" / "checkpoint.ckpt",
        DATA / "c2l-prior" / "tiny" / "checkpoint-legacy-format.ckpt",
    ],
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)
@settings(max_examples=70, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_mutants(original: Path, seed: int, tmp_path: Path, check_mutant) -> None:  # type: ignore[no-untyped-def]
    outcome = check_mutant(original, seed, tmp_path / original.name)
    assert outcome.is_clean, outcome
