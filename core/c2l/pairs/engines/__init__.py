"""Who draws the shards of a folder. Every engine calls ``ShardDrawer.run_shard`` and nothing else.

``local`` is this process, or several on this machine; ``ray`` is a cluster. Schedulers need no
engine: each of their tasks is a local one with a ``Share``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from c2l.pairs.drawing import OnDrawn, Parts
from c2l.pairs.manifest import PairsManifest
from c2l.places import Place

__all__ = ["Engine"]


class Engine(Protocol):
    """Draws shards."""

    def draw(
        self,
        parts: Parts,
        plan: PairsManifest,
        out: Place,
        indices: Sequence[int],
        on_drawn: OnDrawn,
    ) -> Iterator[int]:
        """Draw shards; gives the place of each once it is on disk.

        Args:
            parts: of this process.
            on_drawn: called in this process.
        Raises:
            C2LError: as ``run_shard``; or nobody is left to draw.
        """
