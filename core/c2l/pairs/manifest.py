"""``manifest.json``: everything about a folder of pairs but the pairs.

It is written when a folder is begun, without shards: then it is the plan that everybody follows
who draws some of them. It is written again when all are finished, with the list of them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from c2l.classes import Classes
from c2l.errors import BadInput, BadWeights, spell_fields
from c2l.files import create_atomically, write_atomically
from c2l.pairs.records import ShardRecord
from c2l.pairs.shard_list import ShardList
from c2l.places import Place
from c2l.prior_file import PartCard

SCHEMA = "c2l-pairs/2"
READABLE = ("c2l-pairs/1", SCHEMA)
"""The first listed the finished shards of an unfinished folder, too."""
NAME = "manifest.json"
SEEDS = "seeds"
_OF_CLASSES = ("num_classes", "class_shares", "class_labels")
_LATER = (*_OF_CLASSES, "precision", "embedding_error", "latent_dtype", "latent_error")

_PLACE = "(the shards stand here)"
_FIELDS = sorted(field.name for field in dataclasses.fields(ShardRecord))


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
        precision: what pictures and embeddings are computed in, where a part can.
        embedding_error: what that changes of an embedding, as a share of how far embeddings lie
            from their mean; 0 where it was not measured.
        latent_dtype: what latents are stored in, or ``seeds`` for none, which are drawn again.
        latent_error: what that changes of a latent, as a share of how far latents lie from their
            mean; 0 where it was not measured.
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
    shards: ShardList = dataclasses.field(default_factory=ShardList)
    num_classes: int = 0
    class_shares: tuple[float, ...] = ()
    class_labels: tuple[int, ...] = ()
    precision: str = "float32"
    embedding_error: float = 0.0
    latent_dtype: str = "float32"
    latent_error: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether all pairs are on disk."""
        return self.shards.num_pairs == self.num

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
        digest = hashlib.sha256()
        for text in self._texts(READABLE[0], _as_in_version_1):
            digest.update(text.encode())
        return digest.hexdigest()

    def to_json(self) -> str:
        """With a line for each shard."""
        return "".join(self._texts(SCHEMA, _as_line))

    def _texts(self, schema: str, spell: Callable[[ShardRecord], str]) -> Iterator[str]:
        """JSON in pieces: Python's own would take minutes and gigabytes for 400,000 shards.

        Fields that came later are left out where they say nothing, as before there were any.
        """
        raw = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name not in _LATER or getattr(self, field.name) != field.default
        }
        raw |= {role: dataclasses.asdict(raw[role]) for role in ("generator", "embedder")}
        raw |= {"schema": schema, "shards": _PLACE}
        before, after = (json.dumps(raw, indent=1, sort_keys=True) + "\n").split(f'"{_PLACE}"')
        yield before
        yield "[" if self.shards else "[]"
        for number, shard in enumerate(self.shards):
            yield f"{',' if number else ''}\n  {spell(shard)}"
        yield "\n ]" if self.shards else ""
        yield after

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Raises ``ValueError``, ``KeyError`` or ``TypeError`` on anything but a manifest."""
        shards = ShardList()

        def listed(found: dict[str, Any]) -> Any:
            """A shard goes from the text to the list: there is no table of each in between."""
            if {"file", "num", "sha256"} <= found.keys() <= set(_FIELDS):
                shards.append(ShardRecord.of(found))
                return _PLACE
            return found

        raw: Any = json.loads(text, object_hook=listed)
        if raw.pop("schema") not in READABLE:
            raise ValueError("unknown schema")
        raw["generator"] = PartCard(**raw["generator"])
        raw["embedder"] = PartCard(**raw["embedder"])
        raw |= {n: tuple(raw[n]) for n in ("repeats", *_OF_CLASSES[1:]) if n in raw}
        if raw["shards"] != [_PLACE] * len(shards):
            raise TypeError("shards")
        return cls(**{**raw, "shards": shards})

    def create(self, folder: Place) -> bool:
        """Write the manifest of a new folder; of several who begin one at once, one does."""
        return create_atomically(folder / NAME, self.to_json().encode())

    def write(self, folder: Place) -> None:
        """Replace the manifest of ``folder`` atomically."""
        write_atomically(folder / NAME, self.to_json().encode())


def _as_line(shard: ShardRecord) -> str:
    return (
        f'{{"file": {json.dumps(shard.file)}, "made_on": {json.dumps(shard.made_on)}, '
        f'"num": {shard.num}, "sha256": "{shard.sha256}", "size": {shard.size}}}'
    )


def _as_in_version_1(shard: ShardRecord) -> str:
    return (
        f'{{\n   "file": {json.dumps(shard.file)},\n   "num": {shard.num},'
        f'\n   "sha256": "{shard.sha256}"\n  }}'
    )


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
