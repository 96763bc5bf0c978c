"""How strongly the priors are guided, by what is asked for and by their own default."""

from __future__ import annotations

import pytest
import torch

from c2l import SampleOptions
from c2l.errors import BadInput
from c2l_priors.guidance import guidance_of, led_from

NEGATIVE = torch.ones(1, 4)


@pytest.mark.parametrize(
    ("asked", "against", "default", "drop", "strength"),
    [
        (None, False, 1.5, 0.1, 1.5),
        (3.0, False, 1.5, 0.1, 3.0),
        (0.0, False, 1.5, 0.1, 0.0),
        # Without any strength, a negative prompt would change nothing.
        (None, True, 1.0, 0.1, 2.0),
        (None, True, 4.0, 0.1, 4.0),
        # A prior that never saw hidden embeddings has nothing to move away from but a prompt.
        (None, False, 4.0, 0.0, 1.0),
        (1.0, False, 4.0, 0.0, 1.0),
        (3.0, True, 4.0, 0.0, 3.0),
        (None, True, 1.0, 0.0, 2.0),
    ],
)
def test_strength(
    asked: float | None, against: bool, default: float, drop: float, strength: float
) -> None:
    options = SampleOptions(seeds=[0], guidance=asked)
    assert guidance_of(options, NEGATIVE if against else None, default, drop) == strength


def test_what_guidance_leads_away_from() -> None:
    two = torch.stack([NEGATIVE, 3 * torch.eye(4)[:1]], dim=1)
    led = SampleOptions(seeds=[0], negative=two, negative_weights=[1, 3], negative_by="guidance")
    # The weighted mean of their directions, and of their lengths.
    direction = torch.tensor([0.5 + 3, 0.5, 0.5, 0.5])
    against = led_from(led)
    assert against is not None
    torch.testing.assert_close(against[0], (2 + 3 * 3) / 4 * direction / direction.norm())
    one = SampleOptions(seeds=[0], negative=NEGATIVE[:, None], negative_by="guidance")
    assert torch.equal(led_from(one), NEGATIVE)  # type: ignore[arg-type]
    assert led_from(SampleOptions(seeds=[0], negative=two)) is None
    assert led_from(SampleOptions(seeds=[0], negative_by="guidance")) is None


def test_guidance_of_1_leads_nowhere() -> None:
    with pytest.raises(BadInput, match="no effect with `guidance=1`"):
        guidance_of(SampleOptions(seeds=[0], guidance=1.0), NEGATIVE, 2.0, drop=0.1)


@pytest.mark.parametrize("asked", [0.0, 0.5, 3.0])
def test_nothing_to_move_away_from(asked: float) -> None:
    with pytest.raises(BadInput, match="cannot be guided") as caught:
        guidance_of(SampleOptions(seeds=[0], guidance=asked), None, 1.0, drop=0.0)
    assert caught.value.field == "guidance"
    assert caught.value.hint == "Use `guidance=1`"
