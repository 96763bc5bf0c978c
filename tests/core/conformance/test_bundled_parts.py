"""Every bundled part, and the example plugin's, keeps every law of its interface."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
from told_toy import Told

import c2l
from c2l.plugins import registry
from c2l.testing import ToyEmbedder, ToyGenerator, assert_conforms
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


PARTS: dict[str, str | Callable[[], c2l.Generator | c2l.Embedder]] = {
    "toy generator": ToyGenerator,
    "toy with classes": Told,
    "dcgan": lambda: DCGAN.load(Source(parse_reference(f"dcgan:{BLOBS}"), BLOBS, None)),
    "demo-faces": "stylegan:demo-faces",
    "demo-landscapes": "stylegan:demo-landscapes",
    **{name: functools.partial(tiny_stylegan, name) for name in STYLEGANS},
    "toy embedder": ToyEmbedder,
    "demo": "openclip:demo",
    "tiny-gelu": f"openclip:{DATA / 'openclip-tiny' / 'tiny-gelu'}",
}


@pytest.mark.parametrize("name", PARTS)
def test_generators_and_embedders(name: str) -> None:
    assert_conforms(PARTS[name])


@pytest.mark.parametrize("kind", registry().kinds("prior"))
def test_priors(kind: str) -> None:
    assert_conforms(kind)


def test_a_trained_prior() -> None:
    assert_conforms("flow:demo-faces")
