"""Each family draws what its official code drew with the same small network.

``benchmarks/families_golden.py`` made the networks and their pictures, with that code.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from gan_goldens import CLOSE, FAMILIES, ONE_OF_EACH, Golden

import c2l
from c2l.testing import assert_conforms

pytestmark = pytest.mark.filterwarnings("ignore::c2l.errors.Assumed")
EXPECTED = {
    "biggan_port": {
        "truncation_pulls_latents_to_their_mean": "it chooses statistics of normalisations as well"
    }
}
"""Laws that a family cannot keep, and why."""


@pytest.mark.parametrize("name", FAMILIES)
def test_it_draws_what_the_official_code_draws(name: str) -> None:
    golden = Golden(name)
    generator = c2l.load_generator(str(golden.path))
    chosen = {key: golden.tensors[key].tolist() for key in ["classes"] if key in golden.tensors}
    latents = generator.map(golden.tensors["z"], **chosen)
    for rows in (slice(None), slice(1, 2)):
        images = generator.synthesize(latents[rows])[:, :, :: golden.stride, :: golden.stride]
        expected = golden.tensors["images"][rows]
        assert float((images - expected).abs().max()) < CLOSE * golden.std


@pytest.mark.parametrize("name", FAMILIES)
def test_converted_it_draws_the_same(name: str, tmp_path: Path) -> None:
    generator = c2l.load_generator(str(Golden(name).path))
    generator.save(tmp_path / "saved.safetensors")
    again = c2l.load_generator(str(tmp_path / "saved.safetensors"))
    latents = generator.sample_latents([5])
    assert torch.equal(again.synthesize(latents), generator.synthesize(latents))
    assert again.fingerprint() == generator.fingerprint()


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_it_keeps_every_law(name: str) -> None:
    path = str(Golden(name).path)
    assert_conforms(lambda: c2l.load_generator(path), expected_failures=EXPECTED.get(name, {}))
