"""What generators, embedders and priors have in common: a name, a device, a fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from c2l.errors import BadInput
from c2l_registry import Source


class Part(nn.Module):
    """A frozen or trainable network that a reference such as ``stylegan:ffhq-1024`` names.

    A part is an ordinary ``torch.nn.Module``: move it with ``.to(device)``.
    """

    reference: str = ""
    """The full reference it was loaded from; set by ``c2l.load_generator`` and its siblings."""

    package: str = ""
    """The distribution whose plugin provides the part; set together with ``reference``."""

    @property
    def device(self) -> torch.device:
        """Where the part computes; its inputs may lie anywhere and are moved there."""
        for tensor in (*self.parameters(), *self.buffers()):
            return tensor.device
        return torch.device("cpu")

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether ``path`` looks like a file of this kind. Reads no more than a header.

        Asked where a path is given without a kind. A prior's own file says its kind itself.
        """
        return False

    @classmethod
    def is_fetched(cls, source: Source) -> bool:
        """Whether ``load`` finds the weights of ``source`` on this machine.

        Only for kinds with ``open_names``, whose class fetches by itself what no card has
        addresses for; asked before the user is asked for a licence.
        """
        return True

    @classmethod
    def fetch(cls, source: Source) -> None:
        """Fetch what ``load`` will need; only where ``is_fetched`` says that it is not here.

        Raises:
            NotDownloaded: it cannot be fetched.
        """

    def compute_in(self, dtype: torch.dtype) -> None:
        """Compute in another dtype from now on, as far as it pays; what goes in and out is float32.

        It may round the weights, so a part that is to be saved or trained is loaded anew.

        Raises:
            BadInput: this kind, or this network, computes in float32 alone.
        """
        if dtype != torch.float32:
            name = self.reference or type(self).__name__
            raise BadInput(f"{name} computes in float32 alone", hint="Use --precision float32")

    def settings(self) -> Mapping[str, Any]:
        """What besides the weights decides the output, JSON-able; part of the fingerprint."""
        return {}

    def fingerprint(self) -> str:
        """A sha256 over class, settings and every stored tensor, as 64 hex digits.

        Two parts with one fingerprint compute the same thing. A prior stores those of the
        generator and the embedder it was trained for.
        """
        digest = hashlib.sha256(type(self).__name__.encode())
        digest.update(json.dumps(self.settings(), sort_keys=True).encode())
        for name, tensor in sorted(self.state_dict().items()):
            flat = tensor.detach().cpu().contiguous()
            digest.update(f"{name}:{flat.dtype}:{tuple(flat.shape)}".encode())
            digest.update(flat.reshape(-1).view(torch.uint8).numpy().data)
        return digest.hexdigest()
