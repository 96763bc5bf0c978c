"""How strongly the priors are guided, by what is asked for and by their own default."""

from __future__ import annotations

import pytest
import torch

from c2l import SampleOptions
from c2l.errors import BadInput
from c2l_priors.guidance import guidance_of

NEGATIVE = torch.ones(1, 4)


@pytest.mark.parametrize(
    ("asked", "negative", "default", "drop", "strength"),
    [
        (None, False, 1.5, 0.1, 1.5),
        (3.0, False, 1.5, 0.1, 3.0),
        (0.0, False, 1.5, 0.1, 0.0),
        # Without any strength, a negative prompt would change nothing.
        (None, True, 1.0, 0.1, 2.0),
        (None, True, 4.0, 0.1, 4.0),
        (1.0, True, 4.0, 0.1, 1.0),
        # A prior that never saw hidden embeddings has nothing to move away from but a prompt.
        (None, False, 4.0, 0.0, 1.0),
        (1.0, False, 4.0, 0.0, 1.0),
        (3.0, True, 4.0, 0.0, 3.0),
        (None, True, 1.0, 0.0, 2.0),
    ],
)
def test_strength(
    asked: float | None, negative: bool, default: float, drop: float, strength: float
) -> None:
    options = SampleOptions(seeds=[0], guidance=asked, negative=NEGATIVE if negative else None)
    assert guidance_of(options, default, drop) == strength


@pytest.mark.parametrize("asked", [0.0, 0.5, 3.0])
def test_nothing_to_move_away_from(asked: float) -> None:
    with pytest.raises(BadInput, match="cannot be guided") as caught:
        guidance_of(SampleOptions(seeds=[0], guidance=asked), 1.0, drop=0.0)
    assert caught.value.field == "guidance"
    assert caught.value.hint == "Use `guidance=1`, or give `negative`"
