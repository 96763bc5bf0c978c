"""A third-party prior: in a few lines it trains, samples, and refuses what makes no sense."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from doc_pages import blocks_of, section_of

import c2l
from c2l.errors import BadInput, BadWeights
from c2l.plugins import registry
from c2l.testing import ToyEmbedder, ToyGenerator, install_package, on_path, some_prompts, toy_pairs
from c2l.testing.toy_world import WIDTH
from c2l.testing.toys import EMBEDDING_WIDTH

PLUGIN = """
import c2l

@c2l.hookimpl
def c2l_register_kinds(register):
    register(c2l.KindSpec("line", "prior", "their_line:LinePrior", "A line with noise around it"))
"""

# What the documentation tells authors to write.
PRIOR = blocks_of(section_of("CONTRIBUTING.md", "Add a prior in four steps"), "python")[0]


@pytest.fixture(scope="module", autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The package of a third party, as pip would install it."""
    folder = tmp_path_factory.mktemp("site")
    install_package(folder, "their", {"plugin": PLUGIN}, files={"their_line.py": PRIOR})
    registry.cache_clear()
    with on_path(folder):
        yield
    registry.cache_clear()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained one."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("line")
    pairs = c2l.build_pairs(ToyGenerator(), ToyEmbedder(), 200, folder / "pairs")
    out = folder / "line.safetensors"
    options: dict[str, Any] = {"steps": 200, "learning_rate": 0.02, "student": False}
    c2l.train_prior("line", pairs, out, settings={"spread": 0.05}, **options)
    return out


def test_the_class_is_short() -> None:
    lines = [line for line in PRIOR.splitlines() if line.strip()]
    assert len(lines) <= 25


def test_it_trains_and_samples(file: Path) -> None:
    prior = c2l.load_prior(str(file))
    assert prior.settings()["spread"] == 0.05 and prior.settings()["drop"] == 0.1
    embeddings, latents = toy_pairs(100, first_seed=9000)
    drawn = prior.sample(embeddings, seeds=range(100))
    assert drawn.shape == latents.shape
    assert (drawn - latents).square().mean() < 0.9 * latents.var(dim=0).mean()
    alone = prior.sample(embeddings[7:8], seeds=[7])
    torch.testing.assert_close(alone, drawn[7:8])
    texts = ToyEmbedder().embed_text(some_prompts(2))
    more = prior.sample(texts, c2l.SampleOptions(seeds=[0, 2**64 - 1], guidance=2.0))
    assert not torch.equal(more, prior.sample(texts, seeds=[0, 2**64 - 1]))


@pytest.mark.parametrize("spelled", [range(2), np.arange(2), torch.arange(2), iter([0, 1])])
def test_spellings_of_seeds(file: Path, spelled: Any) -> None:
    prior = c2l.load_prior(str(file))
    options = c2l.SampleOptions(seeds=spelled)
    assert options.seeds == (0, 1)
    assert torch.equal(prior.sample(ONES, options), prior.sample(ONES, seeds=[0, 1]))


def test_no_embeddings_no_latents(file: Path) -> None:
    assert c2l.load_prior(str(file)).sample(ONES[:0], seeds=[]).shape == (0, 1, WIDTH)


def test_options_that_it_does_not_support_never_reach_it(file: Path) -> None:
    prior = c2l.load_prior(str(file))
    seen: list[c2l.SampleOptions] = []
    prior._sample = lambda embeddings, options: seen.append(options) or embeddings  # type: ignore
    ones = torch.ones(1, EMBEDDING_WIDTH)
    prior.sample(ones, seeds=[0], guidance=2.0, steps=3, adherence=0.5, negative=ones)
    (options,) = seen
    assert options.guidance == 2.0
    assert (options.steps, options.adherence, options.negative) == (None, None, None)


ONES = torch.ones(2, EMBEDDING_WIDTH)


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"guidance": float("nan")}, "guidance", "`guidance=nan` is not a finite number"),
        ({"guidance": -1.0}, "guidance", "`guidance=-1.0` is below 0"),
        ({"steps": 0}, "steps", "`steps=0` is below 1"),
        ({"adherence": 1.5}, "adherence", "`adherence=1.5` is above 1"),
        ({"seeds": [0]}, "seeds", "2 embeddings need 2 seeds, not 1"),
        ({"seeds": 5}, "seeds", "`seeds=5` is not a list"),
        ({"seeds": [0, -1]}, "seeds", "`seeds=-1` is below 0"),
        ({"seeds": [0, 2**64]}, "seeds", "above"),
        ({"modality": "sound"}, "modality", "neither text nor image"),
        ({"embeddings": ONES[:, 1:]}, "embeddings", rf"\(B, {EMBEDDING_WIDTH}\), not \(2, "),
        ({"embeddings": ONES[0]}, "embeddings", "not "),
        ({"embeddings": ONES * torch.nan}, "embeddings", "NaN or infinity"),
        ({"negative": ONES[:, 1:]}, "negative", rf"\(B, {EMBEDDING_WIDTH}\), not \(2, "),
        ({"negative": ONES[:1]}, "negative", "as many negative ones, not 1"),
        ({"negative": ONES * torch.inf}, "negative", "NaN or infinity"),
    ],
)
def test_what_it_refuses_without_a_line_of_its_own(
    file: Path, change: dict[str, Any], field: str, says: str
) -> None:
    prior = c2l.load_prior(str(file))
    asked: dict[str, Any] = {"embeddings": ONES, "seeds": [0, 1], **change}
    with pytest.raises(BadInput, match=says) as caught:
        prior.sample(asked.pop("embeddings"), **asked)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("settings", "says", "hint"),
    [
        ({"spraed": 1.0}, "the prior line has no setting 'spraed'", "It has spread, drop"),
        ({"num_codes": 2}, "the prior line has no setting 'num_codes'", "It has spread, drop"),
        ({"spread": -1}, "the prior line: spread=-1 is below 0", "See `settings`"),
        (
            {"spread": "much", "drop": 1},
            "the prior line: spread=much is not a number; drop=1 is not below 1",
            "See `settings`",
        ),
        ({"spread": float("inf")}, "spread=inf is not a finite number", "See `settings`"),
    ],
)
def test_settings_that_training_refuses(
    tmp_path: Path, settings: dict[str, Any], says: str, hint: str
) -> None:
    pairs = c2l.build_pairs(ToyGenerator(), ToyEmbedder(), 20, tmp_path / "pairs")
    with pytest.raises(BadInput, match=says) as caught:
        c2l.train_prior("line", pairs, tmp_path / "x", settings=settings, student=False)
    assert (caught.value.hint, caught.value.field) == (hint, "settings")
    assert not (tmp_path / "x").exists()


def test_settings_that_its_class_refuses() -> None:
    cls = registry().factory(registry().kinds("prior")["line"])
    widths = {"embedding_width": EMBEDDING_WIDTH, "num_codes": 1, "latent_width": WIDTH}
    with pytest.raises(BadInput, match="LinePrior cannot have these settings: drop=1 is not below"):
        cls(**widths, drop=1)
    with pytest.raises(BadInput, match="latent_width is missing"):
        cls(embedding_width=EMBEDDING_WIDTH, num_codes=1)
    prior = cls(**widths)
    with pytest.raises(BadInput, match="the latents should have shape"):
        prior.fit(ONES, torch.ones(2, 1, WIDTH + 1))


def test_its_file_says_what_is_wrong_with_it(file: Path, tmp_path: Path) -> None:
    prior = c2l.load_prior(str(file))
    assert prior.card is not None
    card = c2l.PriorCard(**{**vars(prior.card), "settings": {**prior.settings(), "drop": 7}})
    prior.save(tmp_path / "x.safetensors", card)
    with pytest.raises(BadWeights, match=r"not a whole line prior: .* drop=7 is not below 1"):
        c2l.load_prior(str(tmp_path / "x.safetensors"))
