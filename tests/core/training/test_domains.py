"""Domains: the shipped lists, which one suits, and the user's own prompts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest
import torch
from torch import Tensor

from c2l.embedder import Embedder, TextReading
from c2l.errors import BadInput
from c2l.prompts.domains import Domain, domain_names, find_domain, unrelated_prompts


def test_the_shipped_lists_are_varied() -> None:
    assert domain_names() == ("animals", "faces", "general", "landscapes")
    for name in domain_names():
        prompts = find_domain(name, "").prompts
        assert len(prompts) >= 60
        assert len({p.lower() for p in prompts}) == len(prompts)
        assert all(p == p.strip() and not p.startswith("#") for p in prompts)
    assert len(find_domain("faces", "").prompts) >= 150
    assert len(find_domain("landscapes", "").prompts) >= 150
    assert "Hatsune Miku" in unrelated_prompts()


@pytest.mark.parametrize(
    ("generator", "name"),
    [
        ("stylegan:demo-faces", "faces"),
        ("stylegan:ffhq-1024", "faces"),  # says so in its card alone
        ("stylegan:lhq-256", "landscapes"),
        ("stylegan:afhqcat-512", "animals"),
        ("stylegan:./network.safetensors", "general"),
    ],
)
def test_the_list_that_suits_a_generator(generator: str, name: str) -> None:
    assert find_domain(None, generator).name == name


def test_judging_and_fitting_share_no_prompt() -> None:
    domain = find_domain("faces", "")
    assert not set(domain.for_judging) & set(domain.for_fitting)
    assert len(domain.for_judging) + len(domain.for_fitting) == len(domain.prompts)
    assert len(domain.for_judging) >= 32


def test_the_users_own_prompts(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    prompts = tuple(f"a car with {n} doors" for n in range(10))
    path.write_text("\n".join(prompts), encoding="utf-8")
    domain = find_domain(str(path), "stylegan:demo-faces")
    assert (domain.name, domain.prompts) == ("mine.txt", prompts)
    assert domain.specific and not find_domain("general", "").specific


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"a car\n\n\na bus\n", "holds 2 prompts, too few"),
        ("ein Gemälde\n".encode("latin-1"), "not in UTF-8"),
        ("a car\n".encode("utf-16"), "not in UTF-8"),
        (b"", "holds no prompt"),
        (b"a car\n", "mine.txt holds 1 prompt, too few"),
        (b"a\nb\nc\nd\ne\nf\ng\nh\ni\n", "holds 9 prompts, .* Write 10 or more"),
    ],
)
def test_files_of_prompts_that_cannot_be_used(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "mine.txt"
    path.write_bytes(data)
    with pytest.raises(BadInput, match=says):
        find_domain(str(path), "")


class Reader:
    """An embedder of texts that knows some words, and reads them as directions."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def read_text(self, prompt: str) -> TextReading:
        return TextReading(unknown=tuple(w for w in prompt.split() if w == "strange"))

    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        rows = [[1.0, *(float(word in p.split()) for word in self.words)] for p in prompts]
        return torch.tensor(rows)


def read(reader: Reader, *prompts: str) -> tuple[str, ...]:
    return Domain("some", prompts).readable(cast(Embedder, reader)).prompts


def test_prompts_with_unknown_words_are_left_out_if_enough_are_left() -> None:
    words = [f"word{n}" for n in range(16)]
    assert read(Reader(*words), "a strange thing", *words) == tuple(words)
    assert read(Reader(*words), "a strange thing", *words[:15]) == ("a strange thing", *words[:15])


def test_of_prompts_that_are_read_alike_only_the_first_counts() -> None:
    colours = ("red", "green", "blue", "white", "red blue")
    reader = Reader("red", "green", "blue", "white")
    assert read(reader, "a red man", "a red hat", *colours[1:], "blue or red") == (
        "a red man",
        *colours[1:],
    )
    several = ("a man", "a hat", "a dog", "a red hat", "green", "blue")
    assert read(reader, *several) == several, "too few would be left"
