"""Which place of a track each frame of a video shows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, get_args

from c2l.errors import BadInput

Easing = Literal["linear", "smooth", "in", "out"]
"""How a video starts and ends: at once, or gently at both ends, at the start or at the end."""

_EASINGS: Mapping[str, Callable[[float], float]] = {
    "linear": lambda t: t,
    "smooth": lambda t: (1 - math.cos(math.pi * t)) / 2,
    "in": lambda t: 1 - math.cos(math.pi * t / 2),
    "out": lambda t: math.sin(math.pi * t / 2),
}


def places(
    num_stops: int,
    *,
    easing: Easing = "linear",
    ping_pong: bool = False,
    loop: bool = False,
    loudness: Sequence[float] | None = None,
) -> list[float]:
    """The place of each frame on a track with stops 0, 1, ...; 1.5 is between the second and third.

    Args:
        num_stops: of the track; there are as many frames, unless there is a sound.
        easing: see ``Easing``.
        ping_pong: go back as well; no end is shown twice, so that the video repeats smoothly.
        loop: the last stop leads back to the first one, which is place ``num_stops``.
        loudness: of each frame, from 0, which shows the first stop, to 1, which shows the last.
    Raises:
        BadInput: an easing that does not exist, or two of these that exclude each other.
    """
    if easing not in _EASINGS:
        raise BadInput(
            f"`easing={easing}` is not one of {', '.join(get_args(Easing))}",
            hint="Use `easing=smooth`",
            field="easing",
        )
    if loop and ping_pong:
        raise BadInput(
            "a loop needs no way back", hint="Leave out `ping_pong` or `loop`", field="ping_pong"
        )
    eased = _EASINGS[easing]
    if loudness is not None:
        if ping_pong:
            raise BadInput(
                "where a sound moves the video, it goes back and forth by itself",
                hint="Leave out `ping_pong`",
                field="ping_pong",
            )
        return [eased(loud) * (num_stops - 1) for loud in loudness]
    length = num_stops if loop else num_stops - 1
    forth = [eased(k / length) * length if length else 0.0 for k in range(num_stops)]
    if easing == "linear":
        forth = [float(k) for k in range(num_stops)]  # exact stops have nothing to compute
    return [*forth, *forth[-2:0:-1]] if ping_pong else forth
