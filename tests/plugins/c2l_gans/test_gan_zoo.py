"""What a checkpoint of pytorch_GAN_zoo tells of its training decides how its network draws."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
import torch
from gan_goldens import Golden, opened

from c2l.errors import BadWeights
from c2l.reading import named_tensors
from c2l_gans.files.found import checkpoint


def saved(name: str, folder: Path, **told: Any) -> str:
    """A golden of the zoo with other settings of its training."""
    packed = Golden(name).path
    path = folder / packed.stem
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    with checkpoint(path) as (root, take):
        tensors = {n: take(v, n).clone() for n, v in named_tensors(root).items() if "num_" not in n}
    torch.save({"config": told, **tensors}, path)
    return str(path)


@pytest.mark.parametrize(("loss", "tanh"), [("DCGAN", True), ("MSE", True), ("WGANGP", False)])
@pytest.mark.parametrize("name", ["dcgan_zoo", "progan_zoo"])
def test_the_loss_decides_whether_images_are_bounded(
    name: str, loss: str, tanh: bool, tmp_path: Path
) -> None:
    generator = opened(saved(name, tmp_path, lossCriterion=loss))
    assert generator.network_settings.tanh is tanh


@pytest.mark.parametrize("name", ["dcgan_zoo", "progan_zoo"])
def test_what_takes_more_than_noise_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadWeights, match="attributes"):
        opened(saved(name, tmp_path, categoryVectorDim=3))


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"alpha": 0.5}, "faded in"),
        ({"perChannelNormalization": False}, "perChannelNormalization"),
        ({"leakyReluLeak": "x"}, "leakyReluLeak"),
    ],
)
def test_a_progan_that_draws_otherwise_is_refused(
    told: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(BadWeights, match=reason):
        opened(saved("progan_zoo", tmp_path, **told))


def test_settings_of_a_progan_change_its_pictures(tmp_path: Path) -> None:
    usual = opened(Golden("progan_zoo").path)
    latents = usual.sample_latents([1])
    for told in ({"leakyReluLeak": 0.5}, {"equalizedlR": False}):
        other = opened(saved("progan_zoo", tmp_path, **told))
        assert not torch.allclose(other.synthesize(latents), usual.synthesize(latents))
