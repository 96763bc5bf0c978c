"""Drawing one shard: a pure function of the parts and its seeds.

On a CPU every process computes with one thread. That is faster than one process with many
threads, and makes a pair the same bits whatever the number of workers or cores.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from c2l.embedder import Embedder
from c2l.errors import BadInput
from c2l.generator import Generator
from c2l.guard import failure, is_foreign
from c2l.pairs.beats import Heart
from c2l.pairs.groups import draw_latents
from c2l.pairs.manifest import PairsManifest
from c2l.pairs.records import ShardRecord, shard_name, write_record
from c2l.pairs.shards import write_shard
from c2l.part import Part
from c2l.places import Place
from c2l.seeds import NUM_SEEDS
from c2l.threads import single_threaded

Parts = tuple[Generator, Embedder]
OnDrawn = Callable[[int], None]
"""Called with the number of pairs that were just drawn; may raise to stop."""


@dataclass(frozen=True)
class Batch:
    """A batch to draw.

    Args:
        start: seed of the first row.
        num: rows to keep.
        size: rows to draw.
        groups: layer groups; empty for the generator's own latents.
        classes: of all rows that are drawn; empty without classes.
    """

    start: int
    num: int
    size: int
    groups: tuple[int, ...] = ()
    classes: Sequence[int] = ()

    @property
    def seeds(self) -> list[int]:
        """Of all rows; those that only fill the batch may lie beyond the last seed."""
        return [(self.start + i) % NUM_SEEDS for i in range(self.size)]


def batches_of(seeds: range, size: int, groups: tuple[int, ...] = ()) -> Iterator[Batch]:
    """The batches of a shard.

    The last one is drawn in full and cut: a pair is the same bits in a shard of any length.
    """
    for start in range(seeds.start, seeds.stop, size):
        yield Batch(start, min(size, seeds.stop - start), size, groups)


class ShardDrawer:
    """Draws shards of a folder. ``run_shard``, or its two halves, is all that an engine calls.

    Args:
        parts: on their devices.
        manifest: the plan of the folder.
        on_drawn: called after each batch.
    """

    def __init__(
        self,
        parts: Parts,
        manifest: PairsManifest,
        folder: Place,
        on_drawn: OnDrawn = lambda num: None,
    ) -> None:
        self.parts, self.manifest, self.folder, self.on_drawn = parts, manifest, folder, on_drawn
        self._groups = groups_of(parts[0], manifest)
        self._made_on = kind_of(parts[0].device)
        self._heart, self._in_turn = Heart(folder), threading.Lock()

    def run_shard(self, index: int) -> ShardRecord:
        """Draw a shard, a pure function of its place in the plan; write it, and then its record.

        Two who do so at once, anywhere, are harmless: both write the same. Two threads that do so
        here draw in turn, so that one draws while the other writes.

        Raises:
            BadInput: a latent or an embedding is not finite.
            NotWritable: the folder does not take it.
        """
        return self.write(index, *self.draw(index))

    def draw(self, index: int) -> tuple[Tensor, Tensor]:
        """The first half of ``run_shard``: latents and embeddings of a shard, on the CPU."""
        rows = []
        seeds = self.manifest.shard_seeds(index)
        on_cpu = self.parts[0].device.type == "cpu"
        threads = single_threaded() if on_cpu else nullcontext()
        with self._in_turn, threads, self._heart.beating(index) as heart:
            for batch in batches_of(seeds, self.manifest.batch_size, self._groups):
                classes = self.manifest.draw_classes(batch.seeds)
                rows.append(draw_batch(*self.parts, dataclasses.replace(batch, classes=classes)))
                heart.beat(index)
                self.on_drawn(batch.num)
        latents, embeddings = map(torch.cat, zip(*rows, strict=True))
        return as_stored(latents, self.manifest, self.parts[0], seeds.start), embeddings

    def write(self, index: int, latents: Tensor, embeddings: Tensor) -> ShardRecord:
        """The second half of ``run_shard``."""
        path, seeds = self.folder / shard_name(index), self.manifest.shard_seeds(index)
        record = write_shard(path, self.manifest, seeds, latents, embeddings, self._made_on)
        write_record(self.folder, index, record)
        return record


def groups_of(generator: Generator, manifest: PairsManifest) -> tuple[int, ...]:
    """The layer groups of a folder; empty where they are the generator's own."""
    own = tuple(generator.latent_space.repeats)
    return () if manifest.repeats == own else manifest.repeats


def as_stored(latents: Tensor, manifest: PairsManifest, generator: Generator, first: int) -> Tensor:
    """Latents as a shard stores them.

    Args:
        first: the seed of the first.
    Raises:
        BadInput: one is too large.
    """
    if manifest.latent_dtype == "float16":
        latents = latents.half()
        _check_finite(latents, generator, "generator", "sample_latents", first)
    return latents


def draw_batch(generator: Generator, embedder: Embedder, batch: Batch) -> tuple[Tensor, Tensor]:
    """Latents and embeddings of one batch, on the CPU.

    Returns:
        latents, float32, (B, K, D), and embeddings, float16, (B, E). Rounding to half precision
        turns an embedding by less than a thousandth of the noise that training adds.
    Raises:
        BadInput: a latent or an embedding is not finite.
    """
    with torch.inference_mode():
        latents = draw_latents(generator, batch.seeds, batch.groups, batch.classes)
        images = generator.synthesize(latents, repeats=batch.groups or None)
        embeddings = embedder.embed_images(images)
        # One sum for each picture: NaN and infinity survive it.
        sums = images[: batch.num].flatten(1).sum(dim=1).cpu()
        latents = latents[: batch.num].float().cpu()
        embeddings = embeddings[: batch.num].half().cpu()
    _check_finite(latents, generator, "generator", "sample_latents", batch.start)
    _check_finite(sums[:, None], generator, "generator", "synthesize", batch.start)
    _check_finite(embeddings, embedder, "embedder", "embed_images", batch.start)
    return latents.clone(), embeddings.clone()  # without the rows that filled the batch


def _check_finite(rows: Tensor, part: Part, role: str, method: str, first: int) -> None:
    finite = torch.isfinite(rows.flatten(1)).all(dim=1)
    if finite.all():
        return
    what = f"gives NaN or infinity for seed {first + int(finite.int().argmin())}"
    if is_foreign(type(part)):
        raise failure(type(part), method, what)
    raise BadInput(
        f"the {role} {part.reference} {what}", hint='Try `device="cpu"`, or check the weights'
    )


def kind_of(device: torch.device) -> str:
    """The kind of processor, within which the bits of a pair are promised."""
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    elif device.type == "cpu":
        name = torch.backends.cpu.get_cpu_capability()
    else:
        name = device.type
    return f"{name}, torch {torch.__version__}"
