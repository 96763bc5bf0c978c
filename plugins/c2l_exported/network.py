"""An exported network with everything known that it takes to draw with it.

Shapes: B batch, K codes, D width of a latent, H and W height and width of pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor

import c2l
from c2l_exported.inputs import Slot
from c2l_exported.latents import Latents, noise_seeds
from c2l_exported.pictures import Pictures
from c2l_exported.process import PATIENCE, Child, Refused

Array = np.ndarray[Any, Any]

_TYPES = {"float": "float64", "int": "int64"}


@dataclass(frozen=True)
class Call:
    """How to call a network.

    Args:
        latents: what a latent is made of.
        slots: its inputs, in order, with types and shapes as they are given.
        batch_size: the only number of pictures that it draws at once; None for any.
        random: it draws random numbers itself, so every picture is drawn alone, from a seed.
    """

    latents: Latents
    slots: tuple[Slot, ...]
    batch_size: int | None
    random: bool = False

    def arrays(self, latents: Tensor, batch: int) -> list[Array]:
        """What every input is given for latents (B, K, D), with rows that fill up the batch."""
        missing = batch - len(latents)
        if missing > 0:
            latents = torch.cat([latents, latents[-1:].expand(missing, -1, -1)])
        z, classes = self.latents.take_apart(latents)
        seeds = noise_seeds(latents)
        return [self._array(slot, z, classes, seeds) for slot in self.slots]

    def _array(self, slot: Slot, z: Array, classes: Array, seeds: Sequence[int]) -> Array:
        dtype = _TYPES.get(slot.type, slot.type)
        if slot.role == "latent":
            return z.astype(dtype)
        if slot.role == "label":
            if dtype.startswith("float"):
                num = (slot.shape or (0,))[-1] or 0
                return np.eye(max(num, 1), dtype=dtype)[classes][:, :num]
            return classes.astype(dtype).reshape(len(classes), *[1] * len(slot.shape or ()))
        if slot.role == "noise":
            shape = [size or 1 for size in slot.shape or ()]
            # Another stream than that of the latent, whose seed may be as small.
            rows = c2l.draw_normal([2**40 + seed for seed in seeds], int(np.prod(shape)))
            return rows.numpy().reshape(-1, *shape).astype(dtype)
        if slot.batch == 0 or slot.shape is None:
            return np.array(slot.value, dtype)
        return np.full(
            (slot.batch or len(z), *(s or 1 for s in slot.shape or ())), slot.value, dtype
        )


@dataclass
class Network:
    """Draws pictures in the child's process.

    Args:
        child: where it runs.
        call: how to call it.
        pictures: how its pictures lie in its output.
    """

    child: Child
    call: Call
    pictures: Pictures
    seconds: float = 0.0
    """That the last picture took: how long to wait for the next follows from it."""

    def draw(self, latents: Tensor, device: str) -> Tensor:
        """Float32 pictures (B, 3, H, W) of latents (B, K, D), on the CPU.

        Raises:
            Refused, Ended
        """
        size = (self.pictures.height, self.pictures.width)
        drawn = [self._batch(rows, device) for rows in self._batches(latents)]
        return torch.cat(drawn) if drawn else torch.empty(0, 3, *size)

    def _batches(self, latents: Tensor) -> Sequence[Tensor]:
        if not len(latents):
            return ()
        return latents.split(1 if self.call.random else self.call.batch_size or len(latents))

    def _batch(self, latents: Tensor, device: str) -> Tensor:
        size = self.call.batch_size or len(latents)
        start = perf_counter()
        (array,) = self.child.run(
            self.call.arrays(latents, size),
            patience=PATIENCE + 20 * size * self.seconds,
            device=device,
            threads=torch.get_num_threads(),
            seed=noise_seeds(latents)[0] if self.call.random else 0,
            only=self.pictures.output,
        )
        self.seconds = (perf_counter() - start) / size
        if array.shape != (size, *self.pictures.shape):
            raise Refused(f"it gave {array.shape}, and {self.pictures.shape} for a picture before")
        return self.pictures.rgb(array)[: len(latents)]

    def settings(self) -> dict[str, Any]:
        """All that was found out and decides pictures, JSON-able."""
        call = self.call
        return {
            "latent_shape": list(call.latents.shape),
            "num_labels": call.latents.num_labels,
            "inputs": [asdict(slot) for slot in call.slots],
            "batch_size": call.batch_size,
            "random": call.random,
            "pictures": asdict(self.pictures),
        }
