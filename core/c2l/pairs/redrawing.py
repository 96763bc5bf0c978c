"""Latents that a folder does not store: they are drawn again from their seeds.

On the CPU, in the batches and with the one thread of whoever drew the pairs there: so they are the
same bits each time, on one kind of processor. On a GPU pictures were drawn of latents whose last
bits differ, and a folder says by how much.
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from c2l.errors import BadInput, C2LError, IncompatibleParts
from c2l.generator import Generator
from c2l.pairs.drawing import as_stored, batches_of, groups_of
from c2l.pairs.groups import draw_latents
from c2l.pairs.job import assumptions_said_before, can_be_loaded
from c2l.pairs.manifest import SEEDS, PairsManifest
from c2l.pairs.parts import references_of
from c2l.places import Place
from c2l.threads import single_threaded

MOST_CHANGED = 0.001
"""Of how far latents lie from their mean: more than any two processors differ by."""


def redraw(generator: Generator, manifest: PairsManifest, index: int) -> Tensor:
    """Latents of a shard, float32 on the CPU, (N, K, D)."""
    rows = []
    groups = groups_of(generator, manifest)
    with torch.inference_mode(), single_threaded():
        for batch in batches_of(manifest.shard_seeds(index), manifest.batch_size, groups):
            classes = manifest.draw_classes(batch.seeds)
            latents = draw_latents(generator, batch.seeds, batch.groups, classes)
            rows.append(latents[: batch.num].float().cpu())
    return torch.cat(rows).clone()  # the first may be used for training


def generator_of(folder: Place, manifest: PairsManifest) -> Generator:
    """The generator that drew a folder, on the CPU.

    Raises:
        IncompatibleParts: its name now stands for other weights.
        As ``c2l.load_generator``.
    """
    from c2l.loading import load_generator

    reference, _ = references_of(folder, manifest)
    try:
        with assumptions_said_before():
            generator = load_generator(reference, device="cpu")
    except C2LError as error:
        error.message = f"the latents of {folder} are drawn again by {reference}: {error.message}"
        raise
    if generator.fingerprint() != manifest.generator.fingerprint:
        raise IncompatibleParts(
            f"the latents of {folder} are drawn again by {reference}, which has other weights now",
            hint="Put the same file there",
        )
    return generator


def latent_error(generator: Generator, wanted: PairsManifest, out: Place) -> float:
    """What the way of storing latents changes, measured on the first shard.

    Returns:
        the root mean square of the change, as a share of how far latents lie from their mean.
    Raises:
        BadInput: they do not follow from seeds, or are too large for float16.
    """
    drawn = redraw(generator, dataclasses.replace(wanted, latent_dtype="float32"), 0)
    if wanted.latent_dtype != SEEDS:
        kept = as_stored(drawn, wanted, generator, wanted.first_seed).float()
    elif can_be_loaded(generator):
        kept = redraw(generator_of(out, wanted), wanted, 0)
    else:
        raise BadInput(
            f"no reader of the pairs can load {generator.reference or type(generator).__name__}, "
            "which lives in this process alone",
            hint="Use `latents=float32`",
            field="latents",
        )
    spread = (drawn - drawn.mean(dim=0)).square().mean().sqrt()
    error = float((kept - drawn).square().mean().sqrt() / spread.clamp_min(1e-30))
    if wanted.latent_dtype == SEEDS and error > MOST_CHANGED:
        raise BadInput(
            f"{generator.reference} draws other latents of the same seeds on the CPU",
            hint="Use `latents=float32`",
            field="latents",
        )
    return float(f"{error:.1e}")
