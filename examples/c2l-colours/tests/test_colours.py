"""The laws of embedders, and what is special here."""

from __future__ import annotations

import subprocess
import sys
from itertools import product

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

import c2l
from c2l.testing import assert_conforms
from c2l_colours import embedder as module
from c2l_colours.embedder import COLOURS, ColourEmbedder


@pytest.fixture(scope="module")
def colours() -> c2l.Embedder:
    return c2l.load_embedder("colours:27")


def plain(*colour: float) -> Tensor:
    """A picture of one colour."""
    return torch.tensor(colour, dtype=torch.float32)[None, :, None, None].expand(1, 3, 20, 30)


def test_it_keeps_the_laws_of_embedders() -> None:
    assert_conforms("colours:27")


def test_describing_the_plugin_does_not_import_torch() -> None:
    code = "import c2l_colours, sys; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", COLOURS)
def test_a_word_is_the_picture_of_its_colour(colours: c2l.Embedder, name: str) -> None:
    text = colours.embed_text([f"Something {name}!"])
    torch.testing.assert_close(text, colours.embed_images(plain(*COLOURS[name])))


def test_two_words_are_a_picture_of_both(colours: c2l.Embedder) -> None:
    both = torch.cat([plain(*COLOURS["red"]), plain(*COLOURS["blue"])], dim=2)
    torch.testing.assert_close(colours.embed_text(["blue and red"]), colours.embed_images(both))


def test_a_text_without_a_colour_asks_for_nothing(colours: c2l.Embedder) -> None:
    house, boat = colours.embed_text(["a house", "a boat"])
    assert torch.equal(house, boat)
    corners = torch.cat([colours.embed_images(plain(*c)) for c in product((-1, 1), repeat=3)])
    assert corners.matmul(house).std() < 1e-4


def test_each_colour_is_nearest_to_its_own_word(colours: c2l.Embedder) -> None:
    names = ["red", "green", "blue", "white", "black", "grey"]
    texts = colours.embed_text(names)
    # Paler and darker than the word has it, as pictures are.
    seen = torch.cat([colours.embed_images(plain(*COLOURS[n]) * 0.7) for n in names])
    cosines = cosine_similarity(seen[:, None], texts[None], dim=2)
    assert cosines.argmax(dim=1).tolist() == list(range(len(names)))


def test_the_words_that_it_does_not_know_are_named(colours: c2l.Embedder) -> None:
    assert colours.read_text("a dark picture").unknown == ()
    assert colours.read_text("a smiling woman in red").unknown == ("smiling", "woman")


def test_no_prompts_are_no_rows(colours: c2l.Embedder) -> None:
    assert colours.embed_text([]).shape == (0, 27)


def test_a_changed_list_of_colours_is_another_embedder(
    colours: c2l.Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = colours.fingerprint()
    monkeypatch.setattr(module, "COLOURS", {**COLOURS, "red": (0.9, -1, -1)})
    assert ColourEmbedder().fingerprint() != before
