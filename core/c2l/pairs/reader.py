"""A finished folder of pairs: read into memory, or a part of it at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from c2l.errors import BadWeights
from c2l.generator import Generator
from c2l.pairs.folder import assembled
from c2l.pairs.manifest import SEEDS, PairsManifest, read_manifest
from c2l.pairs.records import list_shards, shard_name
from c2l.pairs.redrawing import generator_of, redraw
from c2l.pairs.shards import read_shard
from c2l.places import Place, place_of

MOST_IN_MEMORY = 2**30
"""Bytes of float32 that are read whole: 260,000 pairs of 512 + 512 numbers."""


@dataclass(frozen=True)
class Pairs:
    """Embeddings of pictures and the latents that drew them; row i belongs to row i.

    They are read when they are first needed.

    Args:
        folder: the folder, or its address in a store.
        manifest: what made them, and how many there are.
    """

    folder: Place
    manifest: PairsManifest

    def __len__(self) -> int:
        return self.manifest.num

    @property
    def embeddings(self) -> Tensor:
        """float32, shape (N, E), as the embedder gives them, to half precision."""
        return self._tensors[0]

    @property
    def latents(self) -> Tensor:
        """float32, shape (N, K, D)."""
        return self._tensors[1]

    @property
    def fit_in_memory(self) -> bool:
        """Whether all of them take little enough of it to be read whole."""
        return self.manifest.num * self._numbers * 4 <= MOST_IN_MEMORY

    def rows(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        """Embeddings and latents of some rows; only the shards that hold them are read.

        Raises:
            BadWeights: shards are damaged; all of them are named.
        """
        if "_tensors" in self.__dict__:
            return self.embeddings[start:stop], self.latents[start:stop]
        return self._read(start, stop)

    def shard(self, index: int) -> tuple[Tensor, Tensor]:
        """Embeddings and latents of one shard, in the precision they are stored in.

        Raises:
            BadWeights: it is damaged.
            As ``generator_of``, where latents are drawn again.
        """
        tensors = read_shard(self.folder, self.manifest, self.manifest.shards[index])
        if self.manifest.latent_dtype == SEEDS:
            return tensors["embeddings"], redraw(self._generator, self.manifest, index)
        return tensors["embeddings"], tensors["latents"]

    @cached_property
    def _generator(self) -> Generator:
        return generator_of(self.folder, self.manifest)

    @cached_property
    def classes(self) -> Tensor | None:
        """int64, shape (N,): the class of each latent; None where the generator has none."""
        return self.classes_of(0, len(self))

    def classes_of(self, start: int, stop: int) -> Tensor | None:
        """The classes of some rows.

        Returns:
            int64, shape (``stop - start``,); None if the generator has no classes.
        """
        first = self.manifest.first_seed
        drawn = self.manifest.draw_classes(range(first + start, first + stop))
        return torch.tensor(drawn, dtype=torch.int64) if self.manifest.num_classes else None

    @cached_property
    def _tensors(self) -> tuple[Tensor, Tensor]:
        return self._read(0, self.manifest.num)

    @property
    def _numbers(self) -> int:
        """In one pair."""
        manifest = self.manifest
        return manifest.embedding_width + manifest.num_codes * manifest.latent_width

    def _read(self, start: int, stop: int) -> tuple[Tensor, Tensor]:
        manifest, size = self.manifest, self.manifest.shard_size
        embeddings = torch.empty(stop - start, manifest.embedding_width)
        latents = torch.empty(stop - start, manifest.num_codes, manifest.latent_width)
        for index, seen, drew in self._shards(range(start // size, -(-stop // size))):
            first = index * size
            inside = slice(max(start - first, 0), stop - first)
            there = slice(max(first - start, 0), first + len(seen) - start)
            embeddings[there], latents[there] = seen[inside], drew[inside]
        return embeddings, latents

    def _shards(self, indices: range) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Raises ``BadWeights`` after the last one, naming every shard that is damaged."""
        damaged = []
        for index in indices:
            try:
                yield index, *self.shard(index)
            except BadWeights as error:
                damaged.append(error)
        if len(damaged) == 1:
            raise damaged[0]
        if damaged:
            raise BadWeights(
                f"{len(damaged)} shards are damaged: {'; '.join(e.message for e in damaged)}",
                hint=f"Remove them and repeat the 'c2l pairs' that filled {self.folder}",
            )


def load_pairs(folder: Place | str) -> Pairs:
    """Open a finished folder of ``build_pairs``.

    If the pairs fit in memory, they are read, and every shard is checked against its sha256. If
    not, only the sizes of files are checked now, and each shard when it is read.

    Args:
        folder: a folder, or its address in a store.
    Returns:
        The pairs: embeddings float32 (N, E), latents float32 (N, K, D).
    Raises:
        BadInput: there are no pairs, or the folder is unfinished.
        BadWeights: the manifest or shards are damaged; all of them are named.
    """
    folder = place_of(folder)
    manifest = read_manifest(folder)
    if not manifest.complete:
        manifest = assembled(manifest, folder)
    pairs = Pairs(folder, manifest)
    if pairs.fit_in_memory:
        len(pairs.latents)  # reads them, so that damage is reported here
    else:
        _check_sizes(pairs)
    return pairs


def _check_sizes(pairs: Pairs) -> None:
    """Look at the folder once, without opening a shard.

    Raises:
        BadWeights: shards are missing or have another size than when they were written.
    """
    sizes = list_shards(pairs.folder).sizes
    wrong = [
        shard_name(index)
        for index, record in enumerate(pairs.manifest.shards)
        if sizes.get(index) != (record.size or sizes.get(index, -1))
    ]
    if wrong:
        named = ", ".join(wrong[:5]) + (f" and {len(wrong) - 5:,} more" if len(wrong) > 5 else "")
        raise BadWeights(
            f"{len(wrong):,} shards of {pairs.folder} are missing or damaged: {named}",
            hint=f"Remove them and repeat the 'c2l pairs' that filled {pairs.folder}",
        )
