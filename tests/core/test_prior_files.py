"""Prior files: what they hold, and what a hostile one cannot do."""

from __future__ import annotations

import dataclasses
import json
import resource
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from safetensors import safe_open

import c2l
from c2l.errors import BadWeights
from c2l.prior_file import PartCard, PriorCard, read_prior_card
from c2l.student import Student

WIDTHS = {"embedding_width": 6, "num_codes": 2, "latent_width": 5}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A small ``mlp`` with a student."""
    prior = c2l.load_prior(str(_written(tmp_path / "plain.safetensors", with_student=True)))
    assert prior.student is not None
    return tmp_path / "plain.safetensors"


def _written(path: Path, *, with_student: bool) -> Path:
    from c2l_priors.mlp import MLPPrior

    torch.manual_seed(0)
    prior = MLPPrior(**WIDTHS, hidden=16, num_blocks=1)
    prior.fit(torch.randn(30, 6), torch.randn(30, 2, 5))
    if with_student:
        prior.student = Student(**WIDTHS, hidden=8, num_blocks=1)
    part = PartCard("toy:a", "0" * 64)
    prior.save(path, PriorCard("mlp", dict(prior.settings()), part, part, (3, 4)))
    return path


def _rewrite(path: Path, **settings: Any) -> None:
    """The same tensors under a card with other settings."""
    with safe_open(path, framework="pt") as file:
        raw = json.loads(file.metadata()["c2l"])
    raw["settings"] |= settings
    tensors = safetensors.torch.load_file(path)
    safetensors.torch.save_file(tensors, path, metadata={"c2l": json.dumps(raw)})


def test_the_student_travels_with_its_prior(file: Path) -> None:
    latents = torch.randn(4, 2, 5)
    once, again = c2l.load_prior(str(file)), c2l.load_prior(str(file))
    assert once.student is not None and again.student is not None
    seen = once.student(latents)
    assert torch.equal(seen, again.student(latents))
    torch.testing.assert_close(seen.norm(dim=1), torch.ones(4))
    assert read_prior_card(file).student == once.student.settings()


def test_a_prior_without_a_student(tmp_path: Path) -> None:
    prior = c2l.load_prior(str(_written(tmp_path / "a.safetensors", with_student=False)))
    assert prior.student is None
    assert prior.card is not None and prior.card.student is None


def test_a_card_of_an_earlier_version(file: Path) -> None:
    card = json.loads(read_prior_card(file).to_json())
    del card["student"], card["domain"]
    read = PriorCard.from_json(json.dumps(card))
    assert read.student is None and read.domain == {}
    assert dataclasses.replace(read, student=read_prior_card(file).student) == read_prior_card(file)


def test_settings_that_ask_for_more_than_the_file_has(file: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _rewrite(file, hidden=200_000)  # 640 GB of weights, were anybody to make them
    with pytest.raises(BadWeights, match=r"is not a whole mlp prior: .*\[.*16.*\], not \[.*200000"):
        c2l.load_prior(str(file))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB
