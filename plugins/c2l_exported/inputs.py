"""What each input of a network is: the latent, a class, noise, or a number that stays the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from c2l_exported.facts import Facts
from c2l_exported.process import Input

Role = Literal["latent", "label", "noise", "constant"]

_FLOATS = ("float32", "float16", "float64", "tensor")
_SCALARS = ("float", "int", "bool")
_LABEL = re.compile(r"(.*_)?(labels?|class(es|_labels?)?|cond|y|c)")
_NOISE = re.compile(r".*noise.*|eps(ilon)?")
_TRUNCATION = re.compile(r".*(trunc|psi).*")
_LATENT = re.compile(r"(input_)?(z|zs|w|ws|latents?|latent_(code|vector)s?|input|x)(_\d)?")


class Undecided(Exception):
    """Something that cannot be found out.

    Args:
        what: the end of a sentence that begins with the file.
        write: what to write in the TOML; empty if nothing helps.
    """

    def __init__(self, what: str, write: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.write = write


@dataclass(frozen=True)
class Slot:
    """One input.

    Args:
        name, type: ``tensor`` is one of any type; ``float``, ``int``, ``bool`` are no tensors.
        shape: without the batch, None for an open size; None if nothing is known.
        batch: the size of the batch, if it is fixed; 0 if there is none, as for one number.
        role: what it is given.
        value: of a constant.
    """

    name: str
    type: str
    shape: tuple[int | None, ...] | None
    batch: int | None
    role: Role = "latent"
    value: float = 0.0


def find_roles(inputs: Sequence[Input], facts: Facts) -> list[Slot]:
    """The inputs with their roles.

    Raises:
        Undecided
    """
    slots = [_with_role(_slot(given), facts, alone=len(inputs) == 1) for given in inputs]
    names = {slot.name for slot in slots}
    for key, named in (("inputs", facts.inputs), ("noise", facts.noise)):
        if unknown := sorted(set(named) - names):
            raise Undecided(
                f"has no input {unknown[0]!r}, which its TOML names under {key}; "
                f"it has {_listed(names)}"
            )
    if facts.latent is not None and facts.latent not in names:
        raise Undecided(f"has no input {facts.latent!r}; it has {_listed(names)}")
    latents = [slot for slot in slots if slot.role == "latent"]
    if not latents:
        raise Undecided("has no input that could be the latent")
    if len(latents) > 1:
        called = [slot for slot in latents if _LATENT.fullmatch(slot.name.lower())]
        others = [slot for slot in latents if slot not in called]
        if len(called) != 1:
            raise Undecided(
                f"has several inputs that could be the latent: {_listed(s.name for s in latents)}",
                f'latent = "{latents[0].name}" (or another of them)',
            )
        raise Undecided(
            f"has an input {others[0].name!r} whose meaning its name does not say",
            f"inputs = {{{others[0].name} = 1.0}}, or noise = {{{others[0].name} = [1, 64, 64]}} "
            "with its shape",
        )
    return slots


def _slot(given: Input) -> Slot:
    if given.shape is None:
        return Slot(given.name, given.type, None, None)
    return Slot(given.name, given.type, tuple(given.shape[1:]), next(iter(given.shape), 0))


def _with_role(slot: Slot, facts: Facts, *, alone: bool) -> Slot:
    name = slot.name.lower()
    if slot.name in facts.inputs:
        return replace(slot, role="constant", value=facts.inputs[slot.name])
    if slot.name == facts.latent:
        return slot
    if slot.name in facts.noise:
        return replace(slot, role="noise", shape=facts.noise[slot.name])
    if _TRUNCATION.fullmatch(name) and not alone:
        return replace(slot, role="constant", value=1.0)
    if slot.type in _SCALARS or slot.batch == 0:
        raise Undecided(
            f"has an input {slot.name!r} that takes one number",
            f"inputs = {{{slot.name} = 1.0}}, with the number to give",
        )
    if slot.type.startswith(("int", "uint")):
        return replace(slot, role="label")
    if slot.type not in _FLOATS:
        raise Undecided(
            f"has an input {slot.name!r} of the type {slot.type}, which c2l cannot give"
        )
    if alone:
        return slot
    if facts.latent is not None:
        return replace(slot, role="label" if _LABEL.fullmatch(name) else "noise")
    if _NOISE.fullmatch(name):
        return replace(slot, role="noise")
    return replace(slot, role="label" if _LABEL.fullmatch(name) else "latent")


def _listed(names: Any) -> str:
    return ", ".join(sorted(names)) or "none"
