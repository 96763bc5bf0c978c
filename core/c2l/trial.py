"""A short trial of a third-party part, before hours are spent on what it gives.

The guard looks at single answers (``c2l.guard``). Some promises only show over several: that an
answer depends on its own row alone, that asking twice gives the same, that the fingerprint covers
everything that matters. A few pictures are enough to tell, so no pairs are made, and no prior is
handed over, without such a trial. For bundled parts, c2l's own tests check these promises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor, nn

from c2l.embedder import Embedder
from c2l.errors import PluginFailed
from c2l.generator import Generator
from c2l.guard import failure, is_foreign, nonfinite
from c2l.part import Part
from c2l.prior import Prior
from c2l.sample_options import SampleOptions
from c2l.seeds import NUM_SEEDS

TEXTS = ("a red car", "a small photo of a smiling woman", "snow")

NUM_TRIES = 16
"""Seeds that a prior is asked for: one that picks among few latents may draw some of them twice."""

_NEAR = 1e-2
"""Of the largest value: what rounding may do to one row in batches of several sizes."""


@torch.no_grad()
def try_parts(generator: Generator, embedder: Embedder, first_seed: int = 0) -> None:
    """Draw and embed three pictures, in ways that must not matter.

    Raises:
        PluginFailed: saying which promise is broken.
    """
    draws, embeds = is_foreign(type(generator)), is_foreign(type(embedder))
    if not (draws or embeds):
        return
    if draws:
        try_generator(generator, first_seed)
    if embeds:
        seeds = _seeds(first_seed)
        try_embedder(embedder, generator.synthesize(generator.sample_latents(seeds)))


@torch.no_grad()
def try_generator(generator: Generator, first_seed: int = 0) -> None:
    """Draw three pictures, again, alone, and with other numbers outside the state dict.

    Raises:
        PluginFailed: saying which promise is broken.
    """
    seeds = _seeds(first_seed)
    latents = generator.sample_latents(seeds)
    images = generator.synthesize(latents)

    def fail(method: str, what: str) -> NoReturn:
        raise failure(type(generator), method, what)

    kept = latents.clone()
    generator.synthesize(latents, truncation=0.7)
    if not torch.equal(latents, kept):
        fail("synthesize", "writes to the latents that it is given, with `truncation=0.7`")
    if not _near(generator.sample_latents(seeds), latents):
        fail("sample_latents", "gives other latents when it is asked again; seed every row")
    if not _near(generator.sample_latents(seeds[1:2]), latents[1:2]):
        fail("sample_latents", "gives a seed another latent in another batch")
    if _near(latents[1:], latents[:-1]):
        fail("sample_latents", "gives every seed the same latent")
    if not _near(generator.synthesize(latents), images):
        fail("synthesize", "draws other pictures of the same latents when it is asked again")
    if not _near(generator.synthesize(latents[1:2]), images[1:2]):
        fail("synthesize", "draws another picture of the same latent in another batch")
    if _near(images[1:], images[:-1]):
        fail("synthesize", "draws one picture of all latents")
    _refuse_hidden_state(generator, "synthesize", lambda: generator.synthesize(latents))


@torch.no_grad()
def try_embedder(embedder: Embedder, images: Tensor) -> None:
    """Embed pictures, three or more, and as many texts, as ``try_generator`` draws.

    Raises:
        PluginFailed: saying which promise is broken.
    """
    overshot = 2 * images  # as generators may
    kept = overshot.clone()
    embedder.embed_images(overshot)
    if not torch.equal(overshot, kept):
        raise failure(type(embedder), "embed_images", "writes to the pictures that it is given")
    rows: list[tuple[str, Callable[[Any], Tensor], Any]] = [
        ("embed_images", embedder.embed_images, images),
        ("embed_text", embedder.embed_text, list(TEXTS)),
    ]
    for method, embed, given in rows:
        embeddings = embed(given)
        if not _near(embed(given), embeddings):
            raise failure(type(embedder), method, "gives other numbers when it is asked again")
        if not _near(embed(given[1:2]), embeddings[1:2]):
            raise failure(type(embedder), method, "gives a row other numbers in another batch")
        if method == "embed_images" and _near(embeddings[1:], embeddings[:-1]):
            raise failure(type(embedder), method, "gives all pictures the same embedding")
        _refuse_hidden_state(embedder, method, partial(embed, given))


@torch.no_grad()
def try_prior(prior: Prior, reloaded: Prior, embeddings: Tensor, *, rounded: bool) -> None:
    """Ask a prior that was read back from its file, and compare it with the one in memory.

    Args:
        prior: as it was trained.
        reloaded: from its file, on the same device.
        embeddings: of a few texts or pictures, (B, E), B of 2 or more.
        rounded: the file has rounded weights, which may sample otherwise.
    Raises:
        PluginFailed: saying which promise is broken.
    """
    seeds = range(len(embeddings))
    latents = reloaded.sample(embeddings, seeds=seeds)
    if not torch.isfinite(latents).all():
        raise nonfinite(prior, "prior", "_sample")
    if not is_foreign(type(prior)):
        return
    method = "_sample"
    if not _near(reloaded.sample(embeddings, seeds=seeds), latents):
        raise failure(type(prior), method, "gives other latents when it is asked again")
    if not _near(reloaded.sample(embeddings[1:2], seeds=seeds[1:2]), latents[1:2]):
        raise failure(type(prior), method, "gives a row another latent in another batch")
    if not _looks_at_seeds(reloaded, embeddings):
        raise failure(type(prior), method, "never looks at its seeds, so all draw one latent")
    opposite = torch.cat([embeddings[:1], -embeddings[:1]])
    if all(_alike(reloaded.sample(opposite, seeds=[seed] * 2)) for seed in range(NUM_TRIES)):
        raise failure(type(prior), method, "gives every embedding the same latent")
    if not rounded and not _near(prior.sample(embeddings, seeds=seeds), latents):
        raise failure(
            type(prior),
            "load",
            "gives a prior that samples other latents than the one that was saved",
            hint="Keep all that decides them in parameters, buffers or `Settings`",
        )


class _SeedsThatTell(tuple[int, ...]):
    """Seeds that know whether somebody has looked at them."""

    seen = False

    def __iter__(self) -> Iterator[int]:
        self.seen = True
        return super().__iter__()

    def __getitem__(self, index: Any) -> Any:
        self.seen = True
        return super().__getitem__(index)


def _looks_at_seeds(prior: Prior, embeddings: Tensor) -> bool:
    """Whether sampling makes any use of seeds. It may still be that no seed matters much."""
    options = SampleOptions(seeds=range(len(embeddings)))
    told = _SeedsThatTell(options.seeds)
    object.__setattr__(options, "seeds", told)
    latents = prior._sample(embeddings, options)
    others = SampleOptions(seeds=range(100, 100 + len(embeddings)))
    return told.seen or not torch.equal(latents, prior._sample(embeddings, others))


def _seeds(first: int) -> list[int]:
    return [(first + i) % NUM_SEEDS for i in range(3)]


def _refuse_hidden_state(part: Part, method: str, ask: Callable[[], Tensor]) -> None:
    """Raises ``PluginFailed`` where numbers outside the state dict decide the answer.

    Such numbers are in no fingerprint, so that two parts would pass for one, and they stay behind
    when the part moves to another device.
    """
    answer = ask()

    def differs() -> bool:
        try:
            return not _near(ask(), answer)
        except PluginFailed:
            return True

    for name in [name for name in hidden_numbers_changed(part) if differs()]:
        raise failure(
            type(part),
            method,
            f"depends on {name!r}, which is neither a parameter nor a buffer, so that the "
            "fingerprint does not cover it",
            hint="Keep it with register_buffer",
        )


def hidden_numbers_changed(part: Part) -> Iterator[str]:
    """Change each tensor and array outside the state dict in turn, and yield its name meanwhile.

    Numbers that cannot be changed are left out. What was changed is put back.
    """
    for name, hidden in list(_hidden(part)):
        kept = hidden.clone() if isinstance(hidden, Tensor) else hidden.copy()
        try:
            hidden += 1
        except (RuntimeError, ValueError):
            continue
        try:
            yield name
        finally:
            hidden[...] = kept


def _hidden(part: Part) -> Iterator[tuple[str, Any]]:
    """Tensors and arrays that are plain attributes of a module, or in a list or table of it.

    Torch's own recurrent layers keep their parameters in such a list as well.
    """
    covered = {id(tensor) for tensor in (*part.parameters(), *part.buffers())}
    for prefix, module in part.named_modules():
        for name, value in vars(module).items():
            if name.startswith("_") and name in _OF_TORCH:
                continue
            for item in _flat(value):
                if id(item) not in covered:
                    yield f"{prefix}.{name}".lstrip("."), item


_OF_TORCH = frozenset(vars(nn.Module()))


def _flat(value: Any, depth: int = 3) -> Sequence[Any]:
    if isinstance(value, Tensor):
        return [value] if value.is_floating_point() and value.ndim else []
    if isinstance(value, np.ndarray):
        return [value] if value.dtype.kind == "f" and value.ndim and value.flags.writeable else []
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)) and depth:
        return [item for entry in value for item in _flat(entry, depth - 1)]
    return []


def _alike(rows: Tensor) -> bool:
    return bool((rows == rows[:1]).all())


def _near(actual: Tensor, expected: Tensor) -> bool:
    if actual.shape != expected.shape:
        return False
    scale = float(expected.abs().max()) if expected.numel() else 0.0
    return bool((actual - expected).abs().max() <= _NEAR * scale) if expected.numel() else True
