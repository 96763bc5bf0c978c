"""Finds out by trying what an exported file does not say: a handful of pictures, drawn when it is
loaded. What cannot be found out ends in one line that says what to write in the TOML."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch

from c2l_exported.facts import Facts
from c2l_exported.inputs import Slot, Undecided, find_roles
from c2l_exported.latents import Latents
from c2l_exported.network import Call, Network
from c2l_exported.pictures import Pictures, find_pictures, find_range
from c2l_exported.process import Child, Refused, Signature

_COMMON_SIZES = (512, 256, 128, 100, 64, 120, 140, 200, 32, 16)
_BATCHES = (2, 1, 4, 8, 16, 32, 64)
_NEAR = 1e-2
_FEW, _MANY = 4, 32
"""Pictures that are looked at to tell what is black and white."""

Array = np.ndarray[Any, Any]
Ask = Callable[..., list[Array]]


def probe(child: Child, facts: Facts) -> Network:
    """Find out how to draw with a network.

    Raises:
        Undecided: something has to be said in the TOML, or nothing can draw with it.
        Refused, Ended: as ``Child.run``.
    """
    signature = child.signature()
    slots = find_roles(signature.inputs, facts)
    found, pictures, drawn = _first_that_works(child, slots, signature, facts)
    if not np.isfinite(drawn).all():
        raise Undecided("gives NaN or infinity")
    ask = partial(_outputs, child, only=pictures.output)
    call = _depending_on_nothing_else(found, drawn, ask)
    pictures = _with_range(pictures, call, drawn if call == found else drawn[:0], ask, facts)
    return Network(child, call, pictures)


def _with_range(pictures: Pictures, call: Call, drawn: Array, ask: Ask, facts: Facts) -> Pictures:
    """With the numbers of black and white, from a few pictures, or from more if these do not tell.

    Args:
        drawn: pictures of the first seeds; there may be none yet.
    """
    drawn = _filled(drawn, _FEW, call, ask)
    if not call.random and _near(drawn[1:], drawn[:-1]):
        raise Undecided("draws nearly the same picture of all latents, as untrained networks do")
    try:
        black, white = facts.value_range or find_range(drawn)
    except Undecided:
        black, white = find_range(_filled(drawn, _MANY, call, ask))
    return replace(pictures, black=black, white=white)


def _filled(drawn: Array, num: int, call: Call, ask: Ask) -> Array:
    """``num`` pictures or more: those that are drawn already, and those of the next seeds."""
    while (done := len(drawn)) < num:
        seeds = range(done, done + (call.batch_size or num - done))
        drawn = np.concatenate([drawn, *ask(call, seeds)])
    return drawn


def _first_that_works(
    child: Child, slots: Sequence[Slot], signature: Signature, facts: Facts
) -> tuple[Call, Pictures, Array]:
    """The likeliest way to call the network, how its pictures lie, and the first of them."""
    reasons: list[str] = []
    undecided: Undecided | None = None
    for batch in _batches(slots, facts):
        for call in _calls(slots, signature, facts, batch):
            try:
                outputs = _outputs(child, call, range(batch))
                pictures = find_pictures(outputs, batch, facts)
                if call.batch_size is None:
                    # Sizes that happen to broadcast give other pictures for another batch.
                    (alone,) = _outputs(child, call, range(1), only=pictures.output)
                    if alone.shape != (1, *pictures.shape):
                        raise Refused(f"one latent gives {alone.shape}, {batch} do not")
                return call, pictures, outputs[pictures.output]
            except Refused as error:
                reasons.append(str(error))
            except Undecided as error:
                undecided = undecided or error
    if undecided is not None:
        raise undecided
    where = " of the sizes that are common" if _is_open(slots, facts) else ""
    raise Undecided(
        f"takes no latent{where}: {reasons[0] if reasons else 'there is none to try'}",
        "latent_shape = [100], or [100, 1, 1], or whatever it is",
    )


def _batches(slots: Sequence[Slot], facts: Facts) -> Sequence[int]:
    """How many pictures to try to draw at once; what is tried first is best."""
    fixed = {slot.batch for slot in slots if slot.role != "constant"} - {None}
    if facts.batch_size is not None:
        return [facts.batch_size]
    return [size for size in fixed if size is not None] or _BATCHES


def _calls(slots: Sequence[Slot], signature: Signature, facts: Facts, batch: int) -> Iterator[Call]:
    """Ways to call a network, the likeliest first."""
    fixed = batch if facts.batch_size or any(slot.batch for slot in slots) or batch > 2 else None
    (latent,) = [slot for slot in slots if slot.role == "latent"]
    types = ("float16", "float32") if signature.half else ("float32", "float16", "float64")
    for float_type in types if latent.type == "tensor" else (latent.type,):
        for shape in _shapes(latent, signature.weights, facts):
            for labels, num_labels in _label_slots(slots, float_type, facts):
                yield Call(
                    Latents(shape, num_labels, facts),
                    tuple(_typed(slot, shape, float_type, labels) for slot in slots),
                    1 if batch == 1 else fixed,
                )


def _shapes(
    latent: Slot, weights: Sequence[Sequence[int]], facts: Facts
) -> Sequence[tuple[int, ...]]:
    if facts.latent_shape is not None:
        return [facts.latent_shape]
    if latent.shape is not None:
        # A map of open height and width is meant to begin with one pixel.
        sizes = [1 if size is None and i else size for i, size in enumerate(latent.shape)]
        if sizes and sizes[0] is not None:
            return [tuple(size or 1 for size in sizes)]
        if len(sizes) not in (1, 3):
            raise Undecided(
                f"does not say the shape of its input {latent.name!r}",
                "latent_shape = [100], or whatever it is",
            )
    near = [shape[i] for shape in weights[:4] for i in (1, 0)]
    sizes_to_try = dict.fromkeys([*near, *_COMMON_SIZES])
    flat, maps = ([tuple([n, *rest]) for n in sizes_to_try] for rest in ((), (1, 1)))
    if latent.shape is not None:
        return flat if len(latent.shape) == 1 else maps
    return [*flat, *maps]


def _label_slots(
    slots: Sequence[Slot], float_type: str, facts: Facts
) -> Iterator[tuple[dict[str, Slot], int]]:
    """Ways to give classes: as numbers, or as zeros and a one; and how many to draw from."""
    (label, *others) = [*(slot for slot in slots if slot.role == "label"), None]
    if label is None:
        yield {}, 0
        return
    if len(others) > 1:
        raise Undecided(f"has two inputs of labels, {label.name} and others", "inputs = {…}")
    known = label.shape[-1] if label.shape and label.type.startswith("float") else None
    num = facts.labels or known
    if num is None and facts.label is None:
        if label.type == "tensor":  # many networks without classes take an empty row of them
            yield {label.name: replace(label, type=float_type, shape=(0,))}, 0
        raise Undecided(
            f"has an input of classes, {label.name!r}",
            "labels = 10, which is how many there are, or label = 0 to draw one of them",
        )
    if num and facts.label is not None and facts.label >= num:
        raise Undecided(f"has {num} classes, so none of number {facts.label}")
    drawn = 0 if facts.label is not None else num or 0
    if label.type == "tensor":
        yield {label.name: replace(label, type="int64", shape=())}, drawn
        if num is not None:
            yield {label.name: replace(label, type=float_type, shape=(num,))}, drawn
    elif label.type.startswith("float"):
        yield {label.name: replace(label, shape=(num,))}, drawn
    else:
        yield {label.name: label}, drawn


def _typed(slot: Slot, shape: tuple[int, ...], float_type: str, labels: dict[str, Slot]) -> Slot:
    """A slot with the type and the shape that it is given."""
    if slot.name in labels:
        return labels[slot.name]
    slot = replace(slot, type=float_type if slot.type == "tensor" else slot.type)
    if slot.role == "latent":
        return replace(slot, shape=shape)
    if slot.role == "noise" and (slot.shape is None or None in slot.shape):
        raise Undecided(
            f"has an input of noise, {slot.name!r}, without its shape",
            f"noise = {{{slot.name} = [1, 64, 64]}}, with its shape",
        )
    return slot


def _is_open(slots: Sequence[Slot], facts: Facts) -> bool:
    return facts.latent_shape is None and any(
        slot.role == "latent" and slot.shape is None for slot in slots
    )


def _depending_on_nothing_else(call: Call, drawn: Array, ask: Ask) -> Call:
    """A way to call the network so that a picture depends on its latent alone.

    Args:
        call: a way that works.
        drawn: pictures of the first seeds, drawn together.
        ask: draws the pictures of seeds.
    Raises:
        Undecided: there is no such way.
    """
    size = call.batch_size or 1
    seeds = [0, *range(size + 1, 2 * size)]  # the first picture among other neighbours, or none
    (first,) = ask(call, seeds)
    (other,) = ask(call, seeds, seed=1)
    if not _near(first[:1], other[:1]):
        (again,) = ask(call, seeds)
        if not _near(first[:1], again[:1]):
            raise Undecided(
                "draws another picture of the same latent each time; export it in eval mode, and "
                "with noise as an input"
            )
        return replace(call, random=True, batch_size=call.batch_size or 1)
    if first.shape[1:] == drawn.shape[1:] and _near(first[:1], drawn[:1]):
        return call
    if call.batch_size is None:
        return replace(call, batch_size=1)
    raise Undecided(
        "draws another picture of a latent when others are drawn beside it; export it in eval mode"
    )


def _outputs(
    child: Child, call: Call, seeds: Sequence[int], *, seed: int = 0, only: int | None = None
) -> list[Array]:
    arrays = call.arrays(call.latents.draw(seeds), len(seeds))
    threads = torch.get_num_threads()
    return child.run(arrays, device="cpu", threads=threads, seed=seed, only=only)


def _near(actual: Array, expected: Array) -> bool:
    actual, expected = actual.astype(np.float64), expected.astype(np.float64)
    scale = float(np.abs(expected).max(initial=0.0))
    return bool(np.abs(actual - expected).max(initial=0.0) <= _NEAR * scale)
