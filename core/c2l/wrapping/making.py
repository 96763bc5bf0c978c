"""What wrapping a generator and an embedder have in common."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, TypeVar

from c2l.errors import BadInput
from c2l.guard import watch
from c2l.part import Part
from c2l.wrapping.held import Held
from c2l.wrapping.naming import reference_of
from c2l_registry.kinds import WRAPPED
from c2l_registry.wording import a_type_of

AnyPart = TypeVar("AnyPart", bound=Part)


def check_callable(given: Any, name: str) -> None:
    """Raises ``BadInput`` unless something other than a class or a part can be called."""
    wrong = hint = ""
    if isinstance(given, type):
        wrong = f"{given.__name__} is a class, not a network"
        hint = f"Give one: {given.__name__}(…)"
    elif isinstance(given, Part):
        wrong, hint = f"{type(given).__name__} is a part of c2l already", "Use it as it is"
    elif not callable(given):
        wrong = f"{a_type_of(given)} cannot be called"
        hint = "Give a network, a function, or a method such as vae.decode"
        if isinstance(given, Mapping):
            hint = "Weights alone draw nothing: load them into their network, and give that"
    if wrong:
        raise BadInput(f"`{name}`: {wrong}", hint=hint, field=name)


def own_class(base: type[AnyPart], wrapped: Any) -> type[AnyPart]:
    """A class for one wrapped thing, so that errors name that and not c2l.

    All of them have the base's name, which is what counts in a fingerprint.
    """
    called = str(reference_of(wrapped))
    return type(base.__name__, (base,), {"__module__": WRAPPED, "reference": called})


def finished(part: AnyPart, held: Held) -> AnyPart:
    """The part in eval mode, watched. Warns of what its fingerprint cannot cover."""
    if held.unseen:
        warnings.warn(
            f"the fingerprint of {part.reference} does not cover {'; '.join(held.unseen)}: "
            "a prior could not tell if it were another one",
            stacklevel=3,
        )
    return watch(part.eval().requires_grad_(False))
