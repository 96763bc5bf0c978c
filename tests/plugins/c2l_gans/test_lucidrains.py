"""lucidrains' StyleGAN2 has its mapping's rate in a file beside the weights."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
import torch
from gan_goldens import Golden, opened

from c2l.errors import Assumed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "model_7.pt"
    path.write_bytes(gzip.decompress(Golden("lucidrains").path.read_bytes()))
    return path


def test_the_rate_of_the_settings_beside_is_used(path: Path) -> None:
    settings = path.with_name(".config.json")
    z = torch.ones(1, 6)
    with pytest.warns(Assumed, match="lr_mlp is taken to be 0.1"):
        usual = opened(path).map(z)
    settings.write_text(json.dumps({"network_capacity": 2, "lr_mlp": 0.1}))
    assert torch.equal(opened(path).map(z), usual)
    settings.write_text(json.dumps({"network_capacity": 2, "lr_mlp": 0.01}))
    assert not torch.allclose(opened(path).map(z), usual)


@pytest.mark.parametrize(
    "text", ["[", "[1]", '{"lr_mlp": 9}', '{"network_capacity": 1, "lr_mlp": "x"}']
)
def test_other_settings_beside_are_left_alone(path: Path, text: str) -> None:
    path.with_name(".config.json").write_text(text)
    with pytest.warns(Assumed, match="lr_mlp is taken to be 0.1"):
        opened(path)
