"""``manifest.json``: everything about a folder of pairs but the pairs.

It is written when a folder is begun, without shards: then it is the plan that everybody follows
who draws some of them. It is written again when all are finished, with the list of them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from c2l.classes import Classes
from c2l.errors import BadInput, BadWeights, spell_fields
from c2l.files import write_atomically
from c2l.pairs.records import ShardRecord
from c2l.places import Place
from c2l.prior_file import PartCard

SCHEMA = "c2l-pairs/2"
READABLE = ("c2l-pairs/1", SCHEMA)
"""The first listed the finished shards of an unfinished folder, too."""
NAME = "manifest.json"
_OF_CLASSES = ("num_classes", "class_shares", "class_labels")


@dataclass(frozen=True)
class PairsManifest:
    """What a folder of pairs is made of.

    Args:
        generator, embedder: the parts that made the pairs.
        repeats, num_codes, latent_width: of the latents: the generator's own, or one code for
            each group of layers.
        embedding_width: E.
        num: how many pairs the folder holds when it is complete.
        first_seed: pair i is drawn with seed ``first_seed + i``.
        shard_size: pairs in each shard but the last.
        batch_size: how many pictures are drawn at once. Part of the definition, since
            convolutions over batches of another size differ in the last bits.
        num_classes, class_shares, class_labels: of a generator with classes: how many, and how
            often training drew each; and among which the pairs were drawn, empty for all. Which
            pair is of which follows from its seed.
        versions: of c2l and torch, when the folder was begun.
        shards: all of them, in order; empty while some are missing.
    """

    generator: PartCard
    embedder: PartCard
    repeats: tuple[int, ...]
    num_codes: int
    latent_width: int
    embedding_width: int
    num: int
    first_seed: int
    shard_size: int
    batch_size: int
    versions: dict[str, str]
    shards: tuple[ShardRecord, ...] = ()
    num_classes: int = 0
    class_shares: tuple[float, ...] = ()
    class_labels: tuple[int, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether all pairs are on disk."""
        return sum(shard.num for shard in self.shards) == self.num

    def draw_classes(self, seeds: Sequence[int]) -> list[int]:
        """The class of the pair of each seed; none where there are no classes."""
        if not self.num_classes:
            return []
        return Classes(self.num_classes, shares=self.class_shares).draw(seeds, self.class_labels)

    @property
    def num_shards(self) -> int:
        """How many shards hold ``num`` pairs."""
        return -(-self.num // self.shard_size)

    def shard_length(self, index: int) -> int:
        """How many pairs shard ``index`` holds; the last may be shorter."""
        return min(self.shard_size, self.num - index * self.shard_size)

    def shard_seeds(self, index: int) -> range:
        """The seeds of shard ``index``."""
        start = self.first_seed + index * self.shard_size
        return range(start, start + self.shard_length(index))

    def fingerprint(self) -> str:
        """A sha256 over the parts, the seeds and every shard, as 64 hex digits.

        It is that of the first schema, since checkpoints and priors hold it: a record's later
        fields do not tell pairs apart that its sha256 does not.
        """
        raw = self._raw()
        raw["shards"] = [{n: s[n] for n in ("file", "num", "sha256")} for s in raw["shards"]]
        return hashlib.sha256(_json({"schema": READABLE[0], **raw}).encode()).hexdigest()

    def to_json(self) -> str:
        return _json({"schema": SCHEMA, **self._raw()})

    def _raw(self) -> dict[str, Any]:
        """Without fields about classes where there are none, as before there were any."""
        raw = dataclasses.asdict(self)
        return {n: v for n, v in raw.items() if v or n not in _OF_CLASSES}

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Raises ``ValueError``, ``KeyError`` or ``TypeError`` on anything but a manifest."""
        raw: dict[str, Any] = json.loads(text)
        if raw.pop("schema") not in READABLE:
            raise ValueError("unknown schema")
        raw["generator"] = PartCard(**raw["generator"])
        raw["embedder"] = PartCard(**raw["embedder"])
        raw |= {n: tuple(raw[n]) for n in ("repeats", *_OF_CLASSES[1:]) if n in raw}
        raw["shards"] = tuple(ShardRecord(**shard) for shard in raw["shards"])
        return cls(**raw)

    def write(self, folder: Place) -> None:
        """Replace the manifest of ``folder`` atomically."""
        write_atomically(folder / NAME, self.to_json().encode())


def _json(raw: dict[str, Any]) -> str:
    return json.dumps(raw, indent=1, sort_keys=True) + "\n"


def read_manifest(folder: Place) -> PairsManifest:
    """Read the manifest of a folder of pairs, finished or not; opens no shard.

    Raises:
        BadInput: there is no such folder, or it holds no pairs.
        BadWeights: the manifest is damaged.
    """
    path = folder / NAME
    try:
        return PairsManifest.from_json(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise BadInput(
            f"{folder} holds no pairs",
            hint="Make some: `c2l pairs generator=… embedder=… "
            f"{spell_fields({'out': str(folder)})}`",
            field="pairs",
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise BadWeights(
            f"{path} is not a manifest of pairs",
            hint=f"Remove {folder} and make the pairs again",
        ) from error
