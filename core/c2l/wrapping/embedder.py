"""Any pair of functions, of texts and of pictures, as an embedder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor

from c2l.embedder import Embedder
from c2l.errors import BadInput, UnknownReference
from c2l.seeds import draw_normal
from c2l.trial import TEXTS, try_embedder
from c2l.wrapping.answers import ask, the_tensor
from c2l.wrapping.held import Held
from c2l.wrapping.making import check_callable, finished, own_class
from c2l.wrapping.naming import name_of
from c2l_registry import Source

_HINTS = {
    "embed_text": "It is given a list of texts",
    "embed_images": "It is given pictures of any size, from -1 to 1: resize and normalise them "
    "inside",
}

_TRIED = 64
"""Height and width of the pictures that a new embedder is tried with."""


def wrap_embedder(
    *,
    embed_text: Callable[[list[str]], Any],
    embed_images: Callable[[Tensor], Any],
    width: int | None = None,
) -> Embedder:
    """An embedder of two functions.

        embedder = c2l.wrap_embedder(embed_text=model.encode, embed_images=embed_pictures)

    Three texts and three pictures are embedded at once to check them. Networks and fingerprint are
    treated as those of ``c2l.wrap``.

    Args:
        embed_text: takes a list of texts, gives (B, E).
        embed_images: takes pictures of any size, float32, (B, 3, H, W) from -1 to 1, which it
            resizes and normalises itself; gives (B, E). Both may give a tensor, an array, or an
            object with one such tensor.
        width: E; left out, it is that of the first text.
    Raises:
        BadInput: an argument cannot be used, or the widths differ.
        PluginFailed: a function fails, gives NaN or zeros, or embeds a row otherwise in another
            batch or when it is asked again.
    """
    check_callable(embed_text, "embed_text")
    check_callable(embed_images, "embed_images")
    if width is not None and (not isinstance(width, int) or width < 1):
        raise BadInput(
            f"`width={width!r}` is not a width", hint="Use `width=1` or more", field="width"
        )
    cls = own_class(WrappedEmbedder, embed_images)
    held = Held(embed_text=embed_text, embed_images=embed_images)
    embedder = finished(cls(embed_text, embed_images, held, width), held)
    pixels = draw_normal(range(len(TEXTS)), 3 * _TRIED**2).reshape(-1, 3, _TRIED, _TRIED)
    try_embedder(embedder, (pixels / 2).clamp(-1, 1).to(embedder.device))
    return embedder


class WrappedEmbedder(Embedder):
    """What ``wrap_embedder`` makes."""

    place: Tensor

    def __init__(
        self,
        embed_text: Callable[[list[str]], Any],
        embed_images: Callable[[Tensor], Any],
        held: Held,
        width: int | None,
    ) -> None:
        super().__init__()
        self.held = held
        self._given = (embed_text, embed_images)  # a tuple is no submodule
        tensors = [*held.parameters(), *held.buffers()]
        place = tensors[0].device if tensors else torch.device("cpu")
        self.register_buffer("place", torch.empty(0, device=place), persistent=False)
        self._width = width

    @classmethod
    def load(cls, source: Source) -> Self:
        """Never called: nothing is loaded by a reference to what is wrapped."""
        raise UnknownReference(f"{source.reference} lives in the program that wraps it")

    def settings(self) -> Mapping[str, Any]:
        text, images = map(name_of, self._given)
        return {"wraps": images, "texts": text, "code": self.held.code, "width": self.width}

    @property
    def width(self) -> int:
        if self._width is None:
            self._width = self._rows("embed_text", self._given[0], [TEXTS[0]]).shape[1]
        return self._width

    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        return self._embedded("embed_text", self._given[0], list(prompts))

    def embed_images(self, images: Tensor) -> Tensor:
        images = images.to(self.place.device, torch.float32).clamp(-1, 1)
        return self._embedded("embed_images", self._given[1], images)

    def _rows(self, method: str, function: Callable[[Any], Any], given: Any) -> Tensor:
        answer = ask(type(self), method, function, given, _HINTS[method])
        return the_tensor(type(self), method, answer, (2,))

    def _embedded(self, method: str, function: Callable[[Any], Any], given: Any) -> Tensor:
        rows = self._rows(method, function, given).to(self.place.device, torch.float32)
        if rows.shape[1] != self.width:
            raise BadInput(
                f"{self.reference}: its {method} gives embeddings {rows.shape[1]} wide, "
                f"not {self.width}",
                hint="Texts and pictures must share one space; leave out `width`, or correct it",
                field="width",
            )
        return rows
