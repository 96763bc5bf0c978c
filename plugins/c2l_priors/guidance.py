"""The strength of classifier-free guidance (Ho & Salimans 2022, arXiv 2207.12598).

A guided prediction moves away from what the network predicts without a prompt, or from what it
predicts for a negative prompt.
"""

from __future__ import annotations

from torch import Tensor

from c2l import SampleOptions
from c2l.errors import BadInput

NEGATIVE_GUIDANCE = 2.0
"""The least guidance for a negative prompt unless told otherwise: at 1 it would change nothing."""


def led_from(options: SampleOptions) -> Tensor | None:
    """What guidance leads away from, (B, E); None for no prompt."""
    if options.negative is None or options.negative_by != "guidance":
        return None
    return options.blended_negative


def guidance_of(
    options: SampleOptions, against: Tensor | None, default: float, drop: float
) -> float:
    """The strength to sample with; 1 is no guidance.

    Args:
        options: what was asked for.
        against: what guidance leads away from; None for no prompt.
        default: the prior's own.
        drop: how often training hid the embedding.
    Raises:
        BadInput: there is nothing to move away from.
    """
    asked = options.guidance
    if against is not None:
        if asked == 1:
            raise BadInput(
                "a negative prompt has no effect with `guidance=1`",
                hint="Use `guidance` above 1",
                field="guidance",
            )
        return max(default, NEGATIVE_GUIDANCE) if asked is None else asked
    if drop:
        return default if asked is None else asked
    if asked not in (None, 1):
        raise BadInput(
            "this prior never saw hidden embeddings and cannot be guided away from no prompt",
            hint="Use `guidance=1`",
            field="guidance",
        )
    return 1.0
