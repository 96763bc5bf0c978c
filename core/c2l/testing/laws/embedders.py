"""The laws of embedders."""

from __future__ import annotations

import json

import torch
from torch import Tensor

from c2l.embedder import Embedder
from c2l.testing.laws.common import (
    BATCHES,
    Law,
    nothing_shared_changes,
    require,
    require_near,
    require_tensor,
    the_fingerprint_is_that_of_the_weights,
)

PROMPTS = (
    "a man",
    "a young woman with glasses",
    "a red hat",
    "a beach at night",
    "a mountain in the snow",
    "a happy old man with a beard",
    "trees",
    "a boat on a lake under a blue sky",
)
LONG = "a very long prompt " * 200


def some_pictures(num: int = 8, height: int = 40, width: int = 40) -> Tensor:
    """Smooth random pictures, float32, (num, 3, height, width), within (-1, 1)."""
    rng = torch.Generator().manual_seed(0)
    coarse = 0.4 * torch.randn(num, 3, 5, 5, generator=rng)
    images = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")
    return images.tanh()


def embeddings_have_their_shape(embedder: Embedder) -> None:
    """float32 (B, ``width``) from texts and pictures alike, and another row for another one."""
    texts = embedder.embed_text(PROMPTS)
    pictures = embedder.embed_images(some_pictures())
    for rows, name in ((texts, "embeddings of texts"), (pictures, "embeddings of pictures")):
        require_tensor(rows, (8, embedder.width), embedder, name)
        require(bool(torch.pdist(rows).min() > 0), f"some {name} are equal")


def a_text_is_the_same_in_any_batch(embedder: Embedder) -> None:
    """Of 1, 3 or 8; padding to the longest text of a batch must change nothing."""
    together = embedder.embed_text(PROMPTS)
    for size in BATCHES:
        part = embedder.embed_text(PROMPTS[:size])
        require_near(part, together[:size], f"a text's embedding changes in a batch of {size}")


def a_picture_is_the_same_in_any_batch(embedder: Embedder) -> None:
    """Of 1, 3 or 8."""
    images = some_pictures()
    together = embedder.embed_images(images)
    for size in BATCHES:
        part = embedder.embed_images(images[-size:])
        require_near(part, together[-size:], f"a picture's embedding changes in a batch of {size}")


def pictures_of_any_size_are_read(embedder: Embedder) -> None:
    """Small and large, wide and tall."""
    for height, width in ((8, 8), (300, 300), (20, 50), (70, 30)):
        rows = embedder.embed_images(some_pictures(2, height, width))
        require_tensor(rows, (2, embedder.width), embedder, f"embeddings of {width} x {height} px")


def pictures_are_clamped(embedder: Embedder) -> None:
    """A generator overshoots; what lies outside [-1, 1] counts as the nearest colour."""
    wide = 3 * some_pictures(2)
    wanted = embedder.embed_images(wide.clamp(-1, 1))
    require_near(embedder.embed_images(wide), wanted, "pixels outside [-1, 1] are not clamped")


def long_texts_are_read_to_where_they_fit(embedder: Embedder) -> None:
    """No error; ``read_text`` says which end of the prompt was cut off."""
    require_tensor(embedder.embed_text([LONG]), (1, embedder.width), embedder, "embeddings")
    cut = embedder.read_text(LONG).cut
    require(
        LONG.strip().endswith(cut.strip()), "what `read_text` calls cut is not the end of the text"
    )
    require(not embedder.read_text("a man").cut, "`read_text` cuts a short prompt")


def gradients_reach_the_pictures(embedder: Embedder) -> None:
    """What optimising a latent needs."""
    images = some_pictures(2).requires_grad_()
    try:
        (gradient,) = torch.autograd.grad(embedder.embed_images(images).square().sum(), images)
    except RuntimeError as error:
        raise AssertionError(f"no gradient reaches the pictures: {error}") from error
    require(bool(torch.isfinite(gradient).all()), "gradients hold NaN or infinity")
    require(bool(gradient.flatten(1).any(dim=1).all()), "the gradient of a picture is zero")


def embedding_leaves_everything_as_it_was(embedder: Embedder) -> None:
    """The pictures that it is given, global random numbers, threads."""
    images = 2 * some_pictures(2)
    kept = images.clone()
    with nothing_shared_changes():
        embedder.embed_images(images)
        embedder.embed_text(PROMPTS[:2])
    require(torch.equal(images, kept), "`embed_images` writes to the pictures that it is given")


def settings_can_be_stored(embedder: Embedder) -> None:
    """A prior's file holds them as JSON."""
    settings = dict(embedder.settings())
    require(bool(settings), "`settings` is empty; the preprocessing belongs there")
    require(json.loads(json.dumps(settings)) == settings, "`settings` changes when stored as JSON")


EMBEDDER_LAWS: tuple[Law[Embedder], ...] = (
    embeddings_have_their_shape,
    a_text_is_the_same_in_any_batch,
    a_picture_is_the_same_in_any_batch,
    pictures_of_any_size_are_read,
    pictures_are_clamped,
    long_texts_are_read_to_where_they_fit,
    gradients_reach_the_pictures,
    embedding_leaves_everything_as_it_was,
    settings_can_be_stored,
    the_fingerprint_is_that_of_the_weights,
)
