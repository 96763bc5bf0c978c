"""The laws of generators, and how a class is a part of the latent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch.nn.functional import mse_loss

import c2l
from c2l.errors import BadInput, BadWeights
from c2l.testing import assert_conforms
from c2l_cgan.generator import ConditionalGAN
from c2l_cgan.make_discs import COLOURS, Z_WIDTH, draw_discs


@pytest.fixture(scope="module")
def discs() -> ConditionalGAN:
    generator = c2l.load_generator("cgan:discs")
    assert isinstance(generator, ConditionalGAN)
    return generator


def test_it_keeps_the_laws_of_generators() -> None:
    assert_conforms("cgan:discs")


def test_describing_the_plugin_does_not_import_torch() -> None:
    code = "import c2l_cgan, sys; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_weights_draw_discs_of_their_classes(discs: ConditionalGAN) -> None:
    latents = discs.sample_latents(range(10_000, 10_100))
    wanted = draw_discs(latents, discs.side)
    assert mse_loss(discs.synthesize(latents), wanted) < 0.01 < wanted.var() / 10


def test_seeds_draw_every_class_alike_and_none_with_a_z_of_its_own(discs: ConditionalGAN) -> None:
    z, classes = discs.sample_latents(range(3000))[:, 0].split((Z_WIDTH, len(COLOURS)), dim=1)
    shares = classes.mean(dim=0)
    assert shares.min() > 0.8 / len(COLOURS)
    both = torch.cat([z, classes], dim=1).T.corrcoef()
    assert both[:Z_WIDTH, Z_WIDTH:].abs().max() < 0.1


def test_another_class_changes_nothing_else(discs: ConditionalGAN) -> None:
    latents = discs.sample_latents([3, 4, 5])
    for label, colour in enumerate(COLOURS.values()):
        changed = discs.in_classes(latents, [label] * 3)
        assert discs.classes_of(changed).tolist() == [label] * 3
        assert torch.equal(changed[..., :Z_WIDTH], latents[..., :Z_WIDTH])
        middle = discs.synthesize(changed)[:, :, 15:17, 15:17].mean((0, 2, 3))
        torch.testing.assert_close(middle, torch.tensor(colour), atol=0.15, rtol=0)
    for label in (-1, len(COLOURS)):
        with pytest.raises(BadInput, match=f"there is no class {label}"):
            discs.in_classes(latents, [label] * 3)


def test_a_class_that_is_nearly_sure_is_drawn_as_if_it_were(discs: ConditionalGAN) -> None:
    """As priors give it."""
    latents = discs.sample_latents([3, 4])
    z, classes = latents.split((Z_WIDTH, len(COLOURS)), dim=2)
    unsure = torch.cat([z, 0.5 * classes + 0.1], dim=2)
    near = discs.synthesize(unsure) - discs.synthesize(latents)
    assert near.abs().max() < 0.05


@pytest.mark.parametrize("channels", [1, 3])
def test_own_weights_by_path(tmp_path: Path, channels: int) -> None:
    torch.manual_seed(0)
    network, path = ConditionalGAN(5, 4, (10, 8, 6, channels)).eval(), tmp_path / "own.safetensors"
    save_file(network.state_dict(), path)
    generator = c2l.load_generator(str(path))
    assert generator.reference == f"cgan:{path}"
    latents = generator.sample_latents([4])
    assert latents.shape == (1, 1, 6 + 5)
    torch.testing.assert_close(generator.synthesize(latents), network.synthesize(latents))
    assert generator.image_size == (16, 16)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    state = ConditionalGAN(5, 4, (10, 8, 3)).state_dict()
    no_label = {name: t for name, t in state.items() if name != "label.weight"}
    for tensors in (no_label, {**state, "label.weight": torch.zeros(5, 10)}, {}):
        save_file(tensors, path)
        assert not ConditionalGAN.recognises(path)
        with pytest.raises(BadWeights, match=r"other\.safetensors") as caught:
            c2l.load_generator(f"cgan:{path}")
        assert caught.value.hint
    path.write_bytes(b"nothing of the kind")
    assert not ConditionalGAN.recognises(path)
