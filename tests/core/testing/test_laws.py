"""Every bundled part, and the example plugin's, obeys every law of its interface."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

import c2l
from c2l.plugins import registry
from c2l.testing import (
    EMBEDDER_LAWS,
    GENERATOR_LAWS,
    PRIOR_LAWS,
    Law,
    ToyEmbedder,
    ToyGenerator,
    ToyPrior,
)
from c2l.testing.laws.priors import some_pairs
from c2l_dcgan.generator import DCGAN
from c2l_registry import Source, parse_reference

ROOT = Path(__file__).parents[3]
DATA = ROOT / "tests" / "data"
BLOBS = ROOT / "examples" / "c2l-dcgan" / "src" / "c2l_dcgan" / "cards" / "blobs.safetensors"
STYLEGANS = ["sg2-ada-32", "sg2-cond-16", "sg2-resnet-grey-16", "sg3-t-32", "sg3-r-32"]


def tiny_stylegan(name: str) -> c2l.Generator:
    generator = c2l.load_generator(f"stylegan:{DATA / 'stylegan' / name}")
    # The weights are made up, so the mean among them is not that of the latents.
    if generator.mapping.w_avg is not None:
        generator.mapping.w_avg.copy_(generator.sample_latents(range(1000))[:, 0].mean(dim=0))
    return generator


GENERATORS: dict[str, Callable[[], c2l.Generator]] = {
    "toy": ToyGenerator,
    "dcgan": lambda: DCGAN.load(Source(parse_reference(f"dcgan:{BLOBS}"), BLOBS, None)),
    "demo-faces": lambda: c2l.load_generator("stylegan:demo-faces"),
    "demo-landscapes": lambda: c2l.load_generator("stylegan:demo-landscapes"),
    **{name: functools.partial(tiny_stylegan, name) for name in STYLEGANS},
}
EMBEDDERS: dict[str, Callable[[], c2l.Embedder]] = {
    "toy": ToyEmbedder,
    "demo": lambda: c2l.load_embedder("openclip:demo"),
    "tiny-gelu": lambda: c2l.load_embedder(f"openclip:{DATA / 'openclip-tiny' / 'tiny-gelu'}"),
}
SMALL: dict[str, Mapping[str, Any]] = {
    "diffusion": {"width": 16, "depth": 1, "heads": 2, "head_width": 8},
    "flow": {"hidden": 16, "num_blocks": 1},
    "mlp": {"hidden": 16, "num_blocks": 1},
    "neighbours": {"num_stored": 20, "num_nearest": 4, "temperature": 0.5},
    "onestep": {"hidden": 16, "num_blocks": 1},
    "ridge": {},
}


def small_prior(kind: str) -> c2l.Prior:
    """A small fitted prior; its zero-initialised layers are not zero any more, so they count."""
    spec = registry().kinds("prior")[kind]
    prior: c2l.Prior = registry().factory(spec)(
        embedding_width=6, num_codes=2, latent_width=5, **SMALL[kind]
    )
    rng = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in prior.parameters():
            parameter.normal_(std=0.3, generator=rng)
    prior.fit(*some_pairs(prior))
    return prior.eval().requires_grad_(False)


@functools.cache
def made(interface: str, name: str) -> Any:
    if interface == "prior":
        return ToyPrior() if name == "toy" else small_prior(name)
    return {"generator": GENERATORS, "embedder": EMBEDDERS}[interface][name]()


@pytest.mark.parametrize("law", GENERATOR_LAWS)
@pytest.mark.parametrize("name", GENERATORS)
def test_generators(name: str, law: Law[c2l.Generator]) -> None:
    law(made("generator", name))


@pytest.mark.parametrize("law", EMBEDDER_LAWS)
@pytest.mark.parametrize("name", EMBEDDERS)
def test_embedders(name: str, law: Law[c2l.Embedder]) -> None:
    law(made("embedder", name))


@pytest.mark.parametrize("law", PRIOR_LAWS)
@pytest.mark.parametrize("kind", ["toy", *SMALL])
def test_priors(kind: str, law: Law[c2l.Prior]) -> None:
    law(made("prior", kind))


def test_no_bundled_prior_is_left_out() -> None:
    assert set(SMALL) == set(registry().kinds("prior"))
