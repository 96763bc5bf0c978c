"""What a part computes with besides its parameters and buffers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from c2l.testing import ToyEmbedder
from c2l.trial import hidden_numbers_changed


@pytest.mark.parametrize("layer", [nn.GRU(4, 4), nn.LSTM(4, 4), nn.RNN(4, 4)])
def test_torchs_own_lists_of_parameters_are_not_hidden(layer: nn.Module) -> None:
    embedder = ToyEmbedder()
    embedder.tongue = layer
    embedder.requires_grad_(False)  # as parts are; what learns cannot be changed in place
    assert list(hidden_numbers_changed(embedder)) == []


def test_a_list_of_plain_tensors_is_hidden_and_comes_back_unchanged() -> None:
    embedder = ToyEmbedder()
    embedder.tongue = nn.Module()
    embedder.tongue.tables = [torch.ones(3)]  # type: ignore[assignment]
    assert list(hidden_numbers_changed(embedder)) == ["tongue.tables"]
    assert embedder.tongue.tables[0].tolist() == [1, 1, 1]  # type: ignore[index,union-attr]
