"""The laws of generators, and what is special here; run ``pytest`` with the package installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import c2l
from c2l.errors import BadWeights
from c2l.testing import assert_conforms
from c2l_dcgan.generator import DCGAN
from c2l_dcgan.make_blobs import make_blobs


@pytest.fixture(scope="module")
def blobs() -> c2l.Generator:
    return c2l.load_generator("dcgan:blobs")


def test_describing_the_plugin_does_not_import_torch() -> None:
    code = "import c2l_dcgan, sys; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_it_keeps_the_laws_of_generators() -> None:
    assert_conforms("dcgan:blobs")


def test_images_differ_clearly_between_latents(blobs: c2l.Generator) -> None:
    images = blobs.synthesize(blobs.sample_latents(range(32))).flatten(1)
    distances = torch.pdist(images) / images.shape[1] ** 0.5
    assert distances.min() > 0.3
    assert (distances > 0.5).float().mean() > 0.95


def test_loading_leaves_the_global_random_state_alone() -> None:
    before = torch.get_rng_state()
    generator = c2l.load_generator("dcgan:blobs")
    generator.synthesize(generator.sample_latents([0]))
    assert torch.equal(before, torch.get_rng_state())


def test_the_script_makes_the_weights_that_ship(blobs: c2l.Generator) -> None:
    made = make_blobs()
    z = made.sample_latents([0, 1, 2])
    torch.testing.assert_close(made.synthesize(z), blobs.synthesize(z), atol=1e-3, rtol=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_own_weights_by_path(tmp_path: Path, channels: int) -> None:
    network = DCGAN((10, 8, 6, channels)).eval()
    path = tmp_path / "mine.safetensors"
    save_file(network.half().state_dict(), path)
    assert DCGAN.recognises(path)
    generator = c2l.load_generator(str(path))
    assert generator.reference == f"dcgan:{path}"
    z = generator.sample_latents([4])
    assert z.shape == (1, 1, 10)
    image = generator.synthesize(z)
    assert image.shape == (1, 3, 16, 16)
    torch.testing.assert_close(image, network.float().synthesize(z))
    assert (channels == 1) == torch.equal(image[:, 0], image[:, 1])


def test_foreign_and_truncated_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "blobs.safetensors"
    save_file(make_blobs().state_dict(), path)
    whole, tensors = path.read_bytes(), load_file(path)

    foreign = tmp_path / "foreign.safetensors"
    save_file({"mapping.fc0.weight": torch.zeros(4, 4)}, foreign)
    flat = tmp_path / "flat.safetensors"  # another network that calls itself main
    save_file({"main.0.weight": torch.zeros(4, 4)}, flat)
    text = tmp_path / "text.safetensors"
    text.write_text("not weights")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(whole[:-1000])
    for broken in (foreign, flat, text, cut, tmp_path):
        assert not DCGAN.recognises(broken)
        with pytest.raises(BadWeights) as caught:
            c2l.load_generator(f"dcgan:{broken}")
        assert str(broken) in str(caught.value)
        assert caught.value.hint

    lacking = tmp_path / "lacking.safetensors"
    save_file({n: t for n, t in tensors.items() if n != "main.4.bias"}, lacking)
    with pytest.raises(BadWeights, match=r"main\.4\.bias"):
        c2l.load_generator(f"dcgan:{lacking}")
