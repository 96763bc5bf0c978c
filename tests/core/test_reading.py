"""What goes wrong while the weights of a plugin are read is one line that says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from c2l.errors import BadWeights
from c2l.reading import explain_damage


def test_weights_of_another_network(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"scale": torch.ones(3)}, path)
    with pytest.raises(BadWeights) as caught, explain_damage(path):
        nn.Linear(2, 2).load_state_dict(load_file(path))
    assert caught.value.message == (
        f"{path} holds the weights of another network: "
        'Missing key(s) in state_dict: "weight", "bias"'
    )
    assert caught.value.hint == "Give a file that was saved from a network like this"


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_cut_safetensors_file(tmp_path: Path, share: float) -> None:
    path = tmp_path / "cut.safetensors"
    save_file({"scale": torch.ones(300)}, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(BadWeights, match="is cut off or damaged: ") as caught, explain_damage(path):
        load_file(path)
    assert caught.value.hint == "Fetch or copy it again"
    assert ".." not in str(caught.value).replace(str(path), "")
