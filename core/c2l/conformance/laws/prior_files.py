"""The laws of the file that a prior is saved to."""

from __future__ import annotations

import tempfile
from pathlib import Path

import torch

from c2l.conformance.law import require
from c2l.conformance.laws.common import EIGHT_SEEDS, require_ready
from c2l.conformance.subjects import PriorSubject
from c2l.conformance.uses import loaded, reloaded, some_embeddings
from c2l.errors import BadWeights

CUTS = (0.0, 0.01, 0.5, 0.99)


def a_saved_prior_draws_as_before(subject: PriorSubject) -> None:
    """To the bit, with the same settings: its file is all that is left of it."""
    prior = subject.part
    asked = some_embeddings(prior, 8)
    wanted = prior.sample(asked, seeds=EIGHT_SEEDS)
    with tempfile.TemporaryDirectory() as folder:
        again = reloaded(prior, Path(folder, "whole.safetensors"))
    require(again.settings() == prior.settings(), "the settings of a loaded prior are others")
    require(
        torch.equal(again.sample(asked, seeds=EIGHT_SEEDS), wanted),
        "a loaded prior draws other latents",
        "keep all that decides them in parameters, buffers and `Settings`",
    )


def a_loaded_prior_can_be_used_at_once(subject: PriorSubject) -> None:
    """In eval mode, its weights frozen: dropout is for training alone."""
    require_ready(subject.another())


def saving_leaves_the_prior_alone(subject: PriorSubject) -> None:
    """Saving, in float16 as well, does not change the weights that go on training."""
    prior = subject.part
    state = {name: tensor.clone() for name, tensor in prior.state_dict().items()}
    with tempfile.TemporaryDirectory() as folder:
        for half in (False, True):
            reloaded(prior, Path(folder, "prior.safetensors"), half=half)
    same = all(torch.equal(tensor, state[name]) for name, tensor in prior.state_dict().items())
    prior.load_state_dict(state)
    require(same, "saving changes the weights", "round copies of them")


def in_float16_it_draws_nearly_the_same(subject: PriorSubject) -> None:
    """Half the size, for a tenth of a deviation at most."""
    prior = subject.part
    asked = some_embeddings(prior, 8)
    wanted = prior.sample(asked, seeds=EIGHT_SEEDS)
    with tempfile.TemporaryDirectory() as folder:
        halved = reloaded(prior, Path(folder, "half.safetensors"), half=True)
    drawn = halved.sample(asked, seeds=EIGHT_SEEDS)
    away = float((drawn - wanted).square().mean().sqrt() / wanted.std())
    require(
        away < 0.1, f"in float16 latents move by {away:.2g} of their deviation", "see `_halved`"
    )


def a_file_that_is_cut_is_refused(subject: PriorSubject) -> None:
    """With ``BadWeights``, wherever it ends: a download that broke off is no prior."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "cut.safetensors")
        reloaded(subject.part, path)
        whole = path.read_bytes()
        for cut in CUTS:
            path.write_bytes(whole[: int(cut * len(whole))])
            try:
                loaded(type(subject.part), path)
            except BadWeights:
                continue
            require(False, f"a file cut to {cut:.0%} is loaded", "raise c2l.errors.BadWeights")
