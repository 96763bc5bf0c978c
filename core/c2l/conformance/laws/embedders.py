"""The laws of embedders."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from c2l.conformance.law import Breach, Law, require
from c2l.conformance.laws.common import (
    BATCHES,
    FIRST_LAWS,
    NEAR,
    all_numbers_lie_in_the_state,
    another_process_gets_the_same_answers,
    distance,
    has_no_state,
    it_is_loaded_to_be_used,
    made_again_it_is_the_same,
    nothing_shared_changes,
    require_look,
    require_near,
    require_tensor,
    settings_can_be_stored,
    stays_here,
    the_fingerprint_follows_the_state,
    the_number_of_threads_does_not_matter,
    the_state_decides_the_answers,
    using_it_does_not_end_the_process,
)
from c2l.conformance.subjects import Subject
from c2l.conformance.uses import PROMPTS, some_pictures
from c2l.embedder import Embedder
from c2l.looks import look_at_embeddings, look_at_reading, look_at_width
from c2l_registry.wording import a_type_of

Embedders = Subject[Embedder]

EIGHT_PROMPTS = (
    *PROMPTS,
    "a beach at night",
    "a mountain in the snow",
    "a happy old man with a beard",
    "trees",
    "a boat on a lake under a blue sky",
)
LONG = "a very long prompt " * 200
SCRIPTS = (
    "eine große Straße",
    "красный дом",
    "赤い帽子",
    "قبعة حمراء",
    "एक आदमी",
    "🙂🎩",
    "tab\tnew\nline",
)


def it_can_be_loaded(subject: Embedders) -> None:
    """Loading it, or calling its factory, gives a ``c2l.Embedder``."""
    part = subject.part
    require(isinstance(part, Embedder), f"loading it gives {a_type_of(part)}")


def its_width_is_a_number(subject: Embedders) -> None:
    """``width`` is a whole number: priors are built with it before anything is embedded."""
    require_look("`width`", look_at_width(subject.part, subject.part.width, None))


def settings_hold_the_preprocessing(subject: Embedders) -> None:
    """``settings`` says how pictures are read: size, crop, mean. Embeddings depend on it.

    The same weights with another preprocessing are another embedder, under another fingerprint.
    """
    require(bool(subject.part.settings()), "`settings` is empty", "put the preprocessing there")


def pictures_have_embeddings(subject: Embedders) -> None:
    """float32 (B, ``width``), finite, and none of length zero, which has no direction."""
    images = some_pictures(8)
    for num in (8, 1):
        _require_embeddings(subject, subject.part.embed_images(images[:num]), num, "pictures")


def texts_have_embeddings(subject: Embedders) -> None:
    """float32 (B, ``width``), as pictures: one space, in which the two can be compared."""
    for num in (8, 1):
        rows = subject.part.embed_text(list(EIGHT_PROMPTS[:num]))
        _require_embeddings(subject, rows, num, "texts")


def the_picture_decides(subject: Embedders) -> None:
    """Other pictures have other embeddings."""
    rows = subject.part.embed_images(some_pictures(8))
    require(distance(rows[1:], rows[:1]) > NEAR, "all pictures have one embedding")


def the_text_decides(subject: Embedders) -> None:
    """Other prompts have other embeddings, as far as the tower knows their words."""
    rows = subject.part.embed_text(EIGHT_PROMPTS)
    require(
        distance(rows[1:], rows[:1]) > NEAR
        or all(subject.part.read_text(prompt).unknown for prompt in EIGHT_PROMPTS),
        f"prompts as '{EIGHT_PROMPTS[0]}' all have one embedding",
        "a tower that does not know their words says so in `read_text`",
    )


def embedding_leaves_the_process_alone(subject: Embedders) -> None:
    """Nothing that others see changes: random state, dtype, threads, whether gradients are kept."""
    with nothing_shared_changes():
        subject.part.embed_images(some_pictures(3))
        subject.part.embed_text(PROMPTS)


def embedding_leaves_its_input_alone(subject: Embedders) -> None:
    """The pictures and the list of prompts that it is given are the caller's."""
    images = 2 * some_pictures(2)
    kept, prompts = images.clone(), list(PROMPTS)
    subject.part.embed_images(images)
    require(torch.equal(images, kept), "`embed_images` writes to its pictures", "copy them first")
    subject.part.embed_text(prompts)
    require(prompts == list(PROMPTS), "`embed_text` changes the list of prompts", "copy it first")


def embedding_again_gives_the_same(subject: Embedders) -> None:
    """A text or a picture has one embedding: no random crop, no dropout."""
    images = some_pictures(3)
    seen, read = subject.part.embed_images(images), subject.part.embed_text(PROMPTS)
    for _ in range(2):
        require_near(subject.part.embed_images(images), seen, "pictures have others the next time")
        require_near(subject.part.embed_text(PROMPTS), read, "texts have others the next time")


def a_picture_is_the_same_in_any_batch(subject: Embedders) -> None:
    """Of 1, 3 or 8, and with other pictures around it: batches are a matter of memory."""
    images = some_pictures(8)
    together = subject.part.embed_images(images)
    for size in BATCHES:
        rows = subject.part.embed_images(images[-size:])
        require_near(
            rows,
            together[-size:],
            f"a picture's embedding changes in a batch of {size}",
            "compute no statistics over the batch",
        )


def a_text_is_the_same_in_any_batch(subject: Embedders) -> None:
    """Of 1, 3 or 8, in any order: padding to the longest text of a batch must change nothing."""
    together = subject.part.embed_text(EIGHT_PROMPTS)
    for size in BATCHES:
        rows = subject.part.embed_text(EIGHT_PROMPTS[:size])
        require_near(
            rows,
            together[:size],
            f"a text's embedding changes in a batch of {size}",
            "pad to one length, or mask the padding",
        )
    turned = subject.part.embed_text(EIGHT_PROMPTS[::-1])
    require_near(turned.flip(0), together, "a text's embedding changes with the order of texts")


def pictures_of_any_size_are_read(subject: Embedders) -> None:
    """Small and large, wide and tall: generators draw all of them."""
    for height, width in ((8, 8), (300, 300), (20, 50), (70, 30)):
        rows = subject.part.embed_images(some_pictures(2, height, width))
        _require_embeddings(subject, rows, 2, f"{width} x {height} px")


def pictures_are_clamped(subject: Embedders) -> None:
    """A generator overshoots; what lies outside [-1, 1] counts as the nearest colour.

    That is how the picture is saved, and so what people see.
    """
    wide = 3 * some_pictures(2)
    wanted = subject.part.embed_images(wide.clamp(-1, 1))
    require_near(
        subject.part.embed_images(wide),
        wanted,
        "pixels outside [-1, 1] change the embedding",
        "begin with images.clamp(-1, 1)",
    )


def an_empty_text_is_read(subject: Embedders) -> None:
    """It has an embedding as any text has: guidance may start from it."""
    _require_embeddings(subject, subject.part.embed_text([""]), 1, "the empty text")


def a_long_text_is_read_to_where_it_fits(subject: Embedders) -> None:
    """Without an error: people paste whole paragraphs."""
    _require_embeddings(subject, subject.part.embed_text([LONG]), 1, "a long text")


def a_text_of_any_script_is_read(subject: Embedders) -> None:
    """Whether the tower knows the language or not: no text ends in an error."""
    rows = subject.part.embed_text(SCRIPTS)
    _require_embeddings(subject, rows, len(SCRIPTS), "texts of other scripts")


def it_says_what_it_does_not_read(subject: Embedders) -> None:
    """``read_text`` gives a ``TextReading``; what it calls cut is the end of the prompt."""
    for prompt in ("a man", "", LONG, *SCRIPTS):
        reading = subject.part.read_text(prompt)
        require_look("`read_text`", look_at_reading(subject.part, reading, None))
        fine = prompt.strip().endswith(reading.cut.strip())
        require(fine, "what `read_text` calls cut is not the end of the prompt")
    require(not subject.part.read_text("a man").cut, "`read_text` says that a short prompt is cut")


def gradients_reach_the_pictures(subject: Embedders) -> None:
    """What optimising a latent needs. A network without any says ``differentiable = False``."""
    images = some_pictures(2).requires_grad_()
    embeddings = subject.part.embed_images(images)
    try:
        (gradient,) = torch.autograd.grad(embeddings.square().sum(), images)
    except RuntimeError as error:
        do = "compute with tensors, or declare `differentiable = False`"
        raise Breach(f"no gradient reaches the pictures: {error}", do) from error
    require(bool(torch.isfinite(gradient).all()), "gradients hold NaN or infinity")
    require(bool(gradient.flatten(1).any(dim=1).all()), "the gradient of a picture is zero")


def _require_embeddings(subject: Embedders, rows: Tensor, num: int, what: str) -> None:
    part = subject.part
    require_tensor(rows, (num, part.width), part, f"embeddings of {what}")
    given: Sequence[None] = [None] * num
    require_look(f"embedding {what}", look_at_embeddings(part, rows, given))


def _has_no_gradient(subject: Embedders) -> str:
    return "" if subject.part.differentiable else "no gradients"


_BASIC = (pictures_have_embeddings, texts_have_embeddings)

EMBEDDER_LAWS: tuple[Law, ...] = (
    *FIRST_LAWS,
    Law(it_can_be_loaded, needs=(using_it_does_not_end_the_process,)),
    Law(it_is_loaded_to_be_used, needs=(it_can_be_loaded,)),
    Law(settings_can_be_stored, needs=(it_can_be_loaded,)),
    Law(settings_hold_the_preprocessing, needs=(settings_can_be_stored,)),
    Law(its_width_is_a_number, needs=(it_can_be_loaded,)),
    Law(pictures_have_embeddings, needs=(its_width_is_a_number, it_is_loaded_to_be_used)),
    Law(texts_have_embeddings, needs=(its_width_is_a_number, it_is_loaded_to_be_used)),
    Law(the_picture_decides, needs=(pictures_have_embeddings,)),
    Law(the_text_decides, needs=(texts_have_embeddings,)),
    Law(embedding_leaves_the_process_alone, needs=_BASIC),
    Law(embedding_leaves_its_input_alone, needs=_BASIC),
    Law(
        embedding_again_gives_the_same,
        needs=(embedding_leaves_the_process_alone, embedding_leaves_its_input_alone),
    ),
    Law(a_picture_is_the_same_in_any_batch, needs=(embedding_again_gives_the_same,)),
    Law(a_text_is_the_same_in_any_batch, needs=(embedding_again_gives_the_same,)),
    Law(pictures_of_any_size_are_read, needs=(pictures_have_embeddings,)),
    Law(pictures_are_clamped, needs=(embedding_again_gives_the_same,)),
    Law(an_empty_text_is_read, needs=(texts_have_embeddings,)),
    Law(a_long_text_is_read_to_where_it_fits, needs=(texts_have_embeddings,)),
    Law(a_text_of_any_script_is_read, needs=(texts_have_embeddings,)),
    Law(it_says_what_it_does_not_read, needs=(it_can_be_loaded,)),
    Law(
        gradients_reach_the_pictures,
        needs=(
            the_picture_decides,
            embedding_leaves_the_process_alone,
            embedding_leaves_its_input_alone,
        ),
        unless=_has_no_gradient,
    ),
    Law(the_fingerprint_follows_the_state, needs=(settings_can_be_stored,)),
    Law(
        made_again_it_is_the_same,
        needs=(embedding_again_gives_the_same, the_fingerprint_follows_the_state),
    ),
    Law(
        another_process_gets_the_same_answers,
        needs=(made_again_it_is_the_same,),
        unless=stays_here,
    ),
    Law(the_number_of_threads_does_not_matter, needs=(embedding_again_gives_the_same,)),
    Law(all_numbers_lie_in_the_state, needs=(made_again_it_is_the_same,)),
    Law(
        the_state_decides_the_answers,
        needs=(made_again_it_is_the_same, all_numbers_lie_in_the_state),
        unless=has_no_state,
    ),
)
