"""Embedders that break one law each. Those of the toy world keep all of them."""

from __future__ import annotations

import itertools
import random
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mutant import breaks
from torch import Tensor, nn
from torch.nn import functional as F

import c2l
from c2l.testing import ToyEmbedder


class Sees(ToyEmbedder):
    """Embeds as the toy does, and changes the embeddings of pictures."""

    def embed_images(self, images: Tensor) -> Tensor:
        return self.change(super().embed_images(images))

    def change(self, rows: Tensor) -> Tensor:
        return rows

    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        return TOY.embed_text(prompts)


class Reads(ToyEmbedder):
    """Embeds as the toy does, and changes the embeddings of texts."""

    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        return self.change(super().embed_text(prompts))

    def change(self, rows: Tensor) -> Tensor:
        return rows


TOY = ToyEmbedder()


@breaks("using_it_does_not_end_the_process")
class Exits(Reads):
    def change(self, rows: Tensor) -> Tensor:
        sys.exit(0)


@breaks("it_can_be_loaded")
class NeedsMore(ToyEmbedder):
    def __init__(self, folder: str) -> None:
        super().__init__()


@breaks("it_is_loaded_to_be_used")
def in_training_mode() -> c2l.Embedder:
    return ToyEmbedder()


@breaks("it_is_loaded_to_be_used")
def asking_for_gradients() -> c2l.Embedder:
    embedder = ToyEmbedder()
    embedder.weight = nn.Parameter(torch.ones(1))
    return embedder.eval()


@breaks("settings_can_be_stored")
class TensorSettings(ToyEmbedder):
    def settings(self) -> Mapping[str, Any]:
        return {"mean": torch.zeros(3)}


@breaks("settings_can_be_stored")
class NoTable(ToyEmbedder):
    def settings(self) -> Any:
        return "224 px"


@breaks("settings_hold_the_preprocessing")
class NoSettings(ToyEmbedder):
    def settings(self) -> Mapping[str, Any]:
        return {}


@breaks("its_width_is_a_number")
class NoWidth(ToyEmbedder):
    @property
    def width(self) -> Any:
        return None


@breaks("pictures_have_embeddings")
class Rank3(Sees):
    def change(self, rows: Tensor) -> Tensor:
        return rows[:, None]


@breaks("pictures_have_embeddings")
class HalfPictures(Sees):
    def change(self, rows: Tensor) -> Tensor:
        return rows.half()


@breaks("pictures_have_embeddings")
class OneRow(Sees):
    def change(self, rows: Tensor) -> Tensor:
        return rows[:1]


@breaks("texts_have_embeddings")
class Narrow(Reads):
    def change(self, rows: Tensor) -> Tensor:
        return rows[:, 1:]


@breaks("texts_have_embeddings")
class ZeroText(Reads):
    def change(self, rows: Tensor) -> Tensor:
        return 0 * rows


@breaks("texts_have_embeddings")
class NanText(Reads):
    def change(self, rows: Tensor) -> Tensor:
        return torch.nan * rows


@breaks("texts_have_embeddings")
class ListOfRows(Reads):
    def change(self, rows: Tensor) -> Any:
        return list(rows)


@breaks("the_picture_decides")
class Blind(Sees):
    def embed_images(self, images: Tensor) -> Tensor:
        rows = super().embed_images(torch.zeros_like(images) + 0.5)
        return rows + 0 * images.mean()


@breaks("the_text_decides")
class Deaf(ToyEmbedder):
    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        return super().embed_text(["a man"] * len(prompts))


@breaks("embedding_leaves_the_process_alone")
class RandomCrop(Sees):
    def change(self, rows: Tensor) -> Tensor:
        return rows + 0.1 * torch.rand_like(rows)


@breaks("embedding_leaves_the_process_alone")
class Reseeds(Reads):
    def change(self, rows: Tensor) -> Tensor:
        random.seed(0)
        return rows


@breaks("embedding_leaves_its_input_alone")
class ClampsInPlace(ToyEmbedder):
    def embed_images(self, images: Tensor) -> Tensor:
        with torch.no_grad():
            return super().embed_images(images.clamp_(-1, 1))


@breaks("embedding_leaves_its_input_alone")
class EmptiesTheList(ToyEmbedder):
    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        rows = super().embed_text(list(prompts))
        if isinstance(prompts, list):
            prompts.clear()
        return rows


@breaks("embedding_again_gives_the_same")
class Counts(Reads):
    calls = 0

    def change(self, rows: Tensor) -> Tensor:
        self.calls += 1
        return rows * (1 + self.calls % 2)


@breaks("a_picture_is_the_same_in_any_batch")
class PicturesOverBatch(Sees):
    def change(self, rows: Tensor) -> Tensor:
        return rows + 0.5 * rows.mean(0)


@breaks("a_text_is_the_same_in_any_batch")
class TextsOverBatch(Reads):
    def change(self, rows: Tensor) -> Tensor:
        return rows + 0.5 * rows.mean(0)


@breaks("a_text_is_the_same_in_any_batch")
class PadsToTheLongest(ToyEmbedder):
    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        return super().embed_text(prompts) * (1 + max(map(len, prompts)))


@breaks("pictures_of_any_size_are_read")
class OneSize(ToyEmbedder):
    def embed_images(self, images: Tensor) -> Tensor:
        assert images.shape[2:] in ((40, 40), (8, 8)), "other sizes are not read"
        return super().embed_images(images)


@breaks("pictures_of_any_size_are_read")
class Square(ToyEmbedder):
    def embed_images(self, images: Tensor) -> Tensor:
        if images.shape[2] != images.shape[3]:
            raise ValueError("not a square")
        return super().embed_images(images)


@breaks("pictures_are_clamped")
class Unclamped(ToyEmbedder):
    def embed_images(self, images: Tensor) -> Tensor:
        small = F.adaptive_avg_pool2d(images, 8)
        return torch.tanh(small.flatten(1) @ self.project.T)


@breaks("an_empty_text_is_read")
class RefusesNothing(ToyEmbedder):
    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        if "" in prompts:
            raise ValueError("empty prompt")
        return super().embed_text(prompts)


@breaks("a_long_text_is_read_to_where_it_fits")
class RefusesMuch(ToyEmbedder):
    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        if any(len(prompt) > 77 for prompt in prompts):
            raise ValueError("the prompt is too long")
        return super().embed_text(prompts)


@breaks("a_text_of_any_script_is_read")
class LatinOnly(ToyEmbedder):
    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        for prompt in prompts:
            prompt.encode("latin-1")
        return super().embed_text(prompts)


@breaks("it_says_what_it_does_not_read")
class ReadsAsText(ToyEmbedder):
    def read_text(self, prompt: str) -> Any:
        return prompt


@breaks("it_says_what_it_does_not_read")
class CutsTheBeginning(ToyEmbedder):
    def read_text(self, prompt: str) -> c2l.TextReading:
        return c2l.TextReading(cut=prompt[:-40])


@breaks("gradients_reach_the_pictures")
class Detached(Sees):
    def change(self, rows: Tensor) -> Tensor:
        return rows.detach()


@breaks("the_fingerprint_follows_the_state")
class OneFingerprint(ToyEmbedder):
    def fingerprint(self) -> str:
        return "0" * 64


_NUMBERS = itertools.count(1)


@breaks("made_again_it_is_the_same")
class AnotherEachTime(ToyEmbedder):
    def __init__(self) -> None:
        super().__init__(gap=float(next(_NUMBERS)))


@breaks("another_process_gets_the_same_answers")
class HashesText(ToyEmbedder):
    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        scales = torch.tensor([0.5 + hash(prompt) % 1000 / 2000 for prompt in prompts])
        return super().embed_text(prompts) * scales[:, None]


@breaks("the_number_of_threads_does_not_matter")
class CountsThreads(Sees):
    def change(self, rows: Tensor) -> Tensor:
        return rows / (1 + torch.get_num_threads())


@breaks("all_numbers_lie_in_the_state")
class HiddenWords(Reads):
    def __init__(self) -> None:
        super().__init__()
        self.table = torch.ones(48)

    def change(self, rows: Tensor) -> Tensor:
        return rows + self.table


@breaks("the_state_decides_the_answers")
class UsesAnother(ToyEmbedder):
    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        return TOY.embed_text(prompts)

    def embed_images(self, images: Tensor) -> Tensor:
        return TOY.embed_images(images)
