"""What generators, embedders and priors have in common: a name, a device, a fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn

from c2l.errors import BadInput
from c2l.guard import Look, guard_methods, is_foreign
from c2l.looks import look_at_settings
from c2l.module_names import module_of


class Part(nn.Module):
    """A network that a reference such as ``stylegan:ffhq-1024`` names.

    A part is an ordinary ``torch.nn.Module``: move it with ``.to(device)``.
    """

    reference: str = ""
    """The full reference it was loaded from; set by ``c2l.load_generator`` and its siblings."""

    package: str = ""
    """The distribution whose plugin provides the part, or ``./my_gan.py#sha256=…``, a loose file;
    set together with ``reference``."""

    remarks: tuple[str, ...] = ()
    """What ``load`` assumed where a file does not say it, each a line whose subject is "it"; said
    as a warning when the part is loaded."""

    _looks: ClassVar[Mapping[str, Look | None]] = {
        "settings": look_at_settings,
        "fingerprint": None,
        "compute_in": None,
    }
    """For ``c2l.guard``: the methods that pass through it, and how their first answers are looked
    at. An interface adds its own; a class of parts has no use for it."""

    _hash: tuple[int, str] | None = None

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        guard_methods(cls, cls._looks)

    @property
    def device(self) -> torch.device:
        """Where the part computes; its inputs may lie anywhere and are moved there."""
        for tensor in (*self.parameters(), *self.buffers()):
            return tensor.device
        return torch.device("cpu")

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether ``path`` looks like a file of this kind. Should read only a header.

        Called for a path that is given without a kind. Files that priors save name their kind.
        """
        return False

    def settings(self) -> Mapping[str, Any]:
        """Everything besides the weights that affects the output, JSON-able; in the fingerprint."""
        return {}

    def compute_in(self, dtype: torch.dtype) -> None:
        """Compute in another dtype where that is faster; inputs and outputs stay float32.

        It may round the weights, so load a fresh part to save or train. The fingerprint stays that
        of the loaded weights.

        Raises:
            BadInput: this kind, or this network, computes in float32 only.
        """
        self.fingerprint()
        self._compute_in(dtype)

    def _compute_in(self, dtype: torch.dtype) -> None:
        """What a subclass does for ``compute_in``; by default float32 only."""
        if dtype != torch.float32:
            raise BadInput(
                f"{self.reference or type(self).__name__} computes in float32 only",
                hint='Use `precision="float32"`',
                field="precision",
            )

    def fingerprint(self) -> str:
        """A sha256 over the class's name, settings and every stored tensor, as 64 hex digits.

        Parts with the same fingerprint compute the same. A prior stores the fingerprints of the
        generator and embedder it was trained for. Cached until a tensor changes.
        """
        tensors = self.state_dict(keep_vars=True).values()
        # Every write to a tensor in place counts its version up; inference tensors have none.
        version = sum(0 if t.is_inference() else t._version for t in tensors)
        if self._hash is None or self._hash[0] != version:
            self._hash = version, self._hashed()
        return self._hash[1]

    def _hashed(self) -> str:
        cls = type(self)
        # Two authors may call a class alike; c2l's own may move from one module to another.
        name = f"{module_of(cls)}.{cls.__qualname__}" if is_foreign(cls) else cls.__name__
        digest = hashlib.sha256(name.encode())
        digest.update(json.dumps(self.settings(), sort_keys=True).encode())
        for name, tensor in sorted(self.state_dict().items()):
            flat = tensor.detach().cpu().contiguous()
            digest.update(f"{name}:{flat.dtype}:{tuple(flat.shape)}".encode())
            digest.update(flat.reshape(-1).view(torch.uint8).numpy().data)
        return digest.hexdigest()

    def __repr__(self) -> str:
        """One line. ``print(part.state_dict().keys())`` and torch's own tools show the modules."""
        num = sum(p.numel() for p in self.parameters())
        name = self.reference or "not loaded by reference"
        facts = [name, *self._facts(), f"{num:,} parameters", str(self.device)]
        return f"{type(self).__name__}({', '.join(facts)})"

    def _facts(self) -> list[str]:
        """What a subclass adds to ``repr``."""
        return []


guard_methods(Part, Part._looks)
