"""What was seen in pictures, as one typed record, and the file that keeps it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from c2l.files import write_atomically
from c2l.places import Place, on_disk

SCHEMA = "c2l-observations/1"

_FEATURES, _ATTRIBUTES = "features/", "attributes/"


@dataclass(frozen=True, eq=False)
class Observations:
    """What was seen in B pictures. Row i of every tensor belongs to picture i.

    Args:
        features: float32, (B, E), by extractor: ``own``, ``independent``, ``inception``.
        attributes: int64, (B,), by attribute: the value that the judge sees.
        latents: float32, (B, K, D); None for pictures that were not generated.
        thumbnails: uint8, (T, 3, h, w), of the first T pictures; None for none.
        milliseconds: spent on all B pictures, by stage.
    """

    features: Mapping[str, Tensor]
    attributes: Mapping[str, Tensor] = field(default_factory=dict)
    latents: Tensor | None = None
    thumbnails: Tensor | None = None
    milliseconds: Mapping[str, float] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.features["own"])

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """Batches, in order, as one; they have the same features and attributes."""
        latents = [part.latents for part in parts if part.latents is not None]
        thumbnails = [part.thumbnails for part in parts if part.thumbnails is not None]
        stages = dict.fromkeys(stage for part in parts for stage in part.milliseconds)
        return cls(
            features=_join([part.features for part in parts]),
            attributes=_join([part.attributes for part in parts]),
            latents=torch.cat(latents) if latents else None,
            thumbnails=torch.cat(thumbnails) if thumbnails else None,
            milliseconds={s: sum(part.milliseconds.get(s, 0.0) for part in parts) for s in stages},
        )

    def rows(self, indices: Tensor) -> Observations:
        """Those of some pictures, which may repeat, without thumbnails and times."""
        return self._each(lambda tensor: tensor[indices])

    def by_prompt(self, num_prompts: int) -> Observations:
        """P * N pictures grouped by prompt: (P, N, ...), without thumbnails and times."""
        return self._each(lambda tensor: tensor.unflatten(0, (num_prompts, -1)))

    def _each(self, change: Callable[[Tensor], Tensor]) -> Observations:
        return Observations(
            features={name: change(x) for name, x in self.features.items()},
            attributes={name: change(x) for name, x in self.attributes.items()},
            latents=None if self.latents is None else change(self.latents),
        )

    def save(self, path: Place) -> None:
        """Write them to a safetensors file: all of it or nothing.

        Raises:
            NotWritable: the folder cannot be written.
        """
        tensors = {_FEATURES + name: x for name, x in self.features.items()}
        tensors |= {_ATTRIBUTES + name: x for name, x in self.attributes.items()}
        if self.latents is not None:
            tensors["latents"] = self.latents
        if self.thumbnails is not None:
            tensors["thumbnails"] = self.thumbnails
        metadata = {
            "schema": SCHEMA,
            "order": json.dumps([*tensors]),  # safetensors sorts them
            "milliseconds": json.dumps(dict(self.milliseconds)),
        }
        whole = {name: tensor.contiguous() for name, tensor in tensors.items()}
        write_atomically(path, safetensors.torch.save(whole, metadata))

    @classmethod
    def load(cls, path: Place) -> Self:
        """Read what ``save`` wrote.

        Raises:
            OSError: there is no such file.
            ValueError: it is damaged, or another version wrote it.
        """
        try:
            with on_disk(path) as there, safe_open(there, framework="pt") as file:
                metadata = file.metadata() or {}
                if metadata.get("schema") != SCHEMA:
                    raise ValueError(f"{path} is not a {SCHEMA} but {metadata.get('schema')}")
                tensors = {name: file.get_tensor(name) for name in json.loads(metadata["order"])}
        except SafetensorError as error:
            raise ValueError(f"{path} is damaged: {error}") from error
        return cls(
            features=_under(_FEATURES, tensors),
            attributes=_under(_ATTRIBUTES, tensors),
            latents=tensors.get("latents"),
            thumbnails=tensors.get("thumbnails"),
            milliseconds=json.loads(metadata["milliseconds"]),
        )


def _join(parts: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): x for n, x in tensors.items() if n.startswith(prefix)}
