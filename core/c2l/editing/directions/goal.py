"""What a picture is to come out as: one more thing is shown, and all else is as it was.

The embedder sees whether it is, and so do colours. An embedding may move along what the texts say,
and strays with every other move; how far along it goes counts until the thing is shown as clearly
as pictures of it usually show it, and no further, since more of it would take more of the picture
along. To an embedder two pictures may be alike that are not to the eye: the colours of a small
picture say what lies where. It counts how much of the picture has other colours, and hardly how
other they are: black hair on its way to blonde would otherwise stop at orange.
"""

# Letters: B pictures, M embeddings asked for each, E their width, A axes.

from __future__ import annotations

from typing import NamedTuple, Self

import torch
from torch import Tensor
from torch.nn.functional import normalize

from c2l.editing.directions.measuring import Pictures

_SHOWN = 2.0
"""The weight of not showing the thing at all, beside the squared distance that unit embeddings
stray."""

_COLOURS = 0.6
"""That of a picture in which all colours are others."""

_OTHER = 0.1
"""Of colours from -1 to 1: those that differ by this are mostly others."""

_LEAST_MISSING = 0.05
"""Cosine: pictures that miss less are treated as if they missed this."""

_LEAST_ALONG = 0.3
"""Cosine of the two ways below: no picture is asked for more than about three times as much."""


class Goal(NamedTuple):
    """What each of B pictures is to come out as.

    Args:
        own: the pictures as they are.
        axes: along each of which it is seen how clearly the thing is shown, unit, (A, E).
        ways: that their embeddings should move, unit, (B, E).
        free: what they may move along, axes and ways, orthonormal or 0, (B, A + 1, E).
        typical: the cosines with the axes of typical pictures of the thing, (A,).
        missing: how much less the pictures have, (B, A).
        truncation: that pictures are drawn with.
    """

    own: Pictures
    axes: Tensor
    ways: Tensor
    free: Tensor
    typical: Tensor
    missing: Tensor
    truncation: float

    @classmethod
    def of(
        cls, own: Pictures, axes: Tensor, ways: Tensor, typical: Tensor, truncation: float
    ) -> Self:
        """From unit axes (A, E), and ways (B, E) of any length."""
        axes, typical = axes.to(own.seen), typical.to(own.seen)
        ways = normalize(ways.to(own.seen), dim=1)
        free = _orthonormal(torch.cat([axes.expand(len(ways), -1, -1), ways[:, None]], dim=1))
        missing = typical - normalize(own.seen, dim=1) @ axes.T
        missing = missing.clamp_min(_LEAST_MISSING)
        return cls(own, axes, ways, free, typical, missing, truncation)

    def rows(self, chosen: Tensor) -> Goal:
        """Those of some pictures: indices, or a mask."""
        return self._replace(
            own=self.own.rows(chosen),
            ways=self.ways[chosen],
            free=self.free[chosen],
            missing=self.missing[chosen],
        )

    def cloned(self) -> Goal:
        """The same in tensors of its own."""
        return self._replace(
            own=Pictures(*(x.clone() for x in self.own)),
            axes=self.axes.clone(),
            ways=self.ways.clone(),
            free=self.free.clone(),
            typical=self.typical.clone(),
            missing=self.missing.clone(),
        )

    def asked(self, shares: Tensor) -> Tensor:
        """Embeddings (B, M, E) of the pictures, each moved by M shares (M,) of what is missing."""
        lengths = self.own.seen.norm(dim=1)[:, None, None]
        full = self.missing[:, 0] / (self.ways @ self.axes[0]).clamp_min(_LEAST_ALONG)
        moves = (full[:, None] * shares)[..., None] * self.ways[:, None]
        return lengths * normalize(normalize(self.own.seen, dim=1)[:, None] + moves, dim=2)

    def missed(self, drawn: Pictures) -> Tensor:
        """How far pictures are from it, (B,)."""
        seen = normalize(drawn.seen, dim=1)
        moved = seen - normalize(self.own.seen, dim=1)
        allowed = torch.einsum("bae,be->ba", self.free, moved)
        strayed = moved.square().sum(dim=1) - allowed.square().sum(dim=1)
        short = ((self.typical - seen @ self.axes.T) / self.missing).amax(dim=1).clamp_min(0)
        colours = 1 - (-(drawn.small - self.own.small).abs() / _OTHER).exp().mean(dim=1)
        return strayed + _SHOWN * short.square() + _COLOURS * colours


def _orthonormal(vectors: Tensor) -> Tensor:
    """A basis (B, M, E) of what M vectors span; 0 for one that lies in the span of those before."""
    basis: list[Tensor] = []
    for vector in vectors.unbind(dim=1):
        rest = vector
        for unit in basis:
            rest = rest - (rest * unit).sum(dim=1, keepdim=True) * unit
        length = rest.norm(dim=1, keepdim=True)
        basis.append(torch.where(length > 1e-3, rest / length.clamp_min(1e-3), 0.0))
    return torch.stack(basis, dim=1)
