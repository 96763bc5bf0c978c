"""Prompts of a domain: faces, landscapes, and so on.

Each ``NAME.txt`` in this folder is one domain, one prompt a line. Its first line is a comment with
the words by which generators of the domain are recognised. The prompts show a prior where texts
about its generator lie (the modality gap, Liang et al. 2022, arXiv 2203.02053), serve to validate
its training, and set the threshold below which a prompt is far (``c2l.prompts.far``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from torch.nn.functional import normalize

from c2l.embedder import Embedder
from c2l.errors import BadInput
from c2l.plugins import registry
from c2l.prompts.files import read_distinct_prompts
from c2l.prompts.words import ALIKE
from c2l_registry.paths import expand_path, is_there

GENERAL = "general"
UNRELATED = "unrelated"
FOLDER = Path(__file__).parent
EVERY = 5
FEWEST_READABLE = 16
FEWEST_TOLD_APART = 5
FEWEST_PROMPTS = 10
"""In a user's own list: the mean of fewer would depend too much on each of them."""


@dataclass(frozen=True)
class Domain:
    """Prompts that suit a generator.

    Args:
        name: of the shipped list, or of the user's file.
        prompts: all of them.
    """

    name: str
    prompts: tuple[str, ...]

    @property
    def for_judging(self) -> tuple[str, ...]:
        """Every fifth prompt, kept out of the fit."""
        return self.prompts[::EVERY]

    @property
    def for_fitting(self) -> tuple[str, ...]:
        """All prompts that are not ``for_judging``."""
        return tuple(p for i, p in enumerate(self.prompts) if i % EVERY)

    @property
    def specific(self) -> bool:
        """Whether prompts of other domains are far from it."""
        return self.name != GENERAL

    def digest(self) -> str:
        """A sha256 over the prompts, as 64 hex digits."""
        return hashlib.sha256("\n".join(self.prompts).encode()).hexdigest()

    def readable(self, embedder: Embedder) -> Domain:
        """The prompts that tell the embedder something.

        Without those that hold words it has never seen, and without those that it reads as it does
        another one: they would outvote all that it can tell apart. Each only if enough are left.
        """
        known = tuple(p for p in self.prompts if not embedder.read_text(p).unknown)
        domain = Domain(self.name, known) if len(known) >= FEWEST_READABLE else self
        told_apart = tuple(domain.prompts[row] for row in _distinct(embedder, domain.prompts))
        return Domain(self.name, told_apart) if len(told_apart) >= FEWEST_TOLD_APART else domain


def domain_names() -> tuple[str, ...]:
    """The domains that are shipped."""
    return tuple(sorted(p.stem for p in FOLDER.glob("*.txt") if p.stem != UNRELATED))


def find_domain(name: str | None, generator: str) -> Domain:
    """The domain of a name, of a file of prompts, or else the one that suits the generator.

    Args:
        name: of a shipped domain, or the path of a text file with one prompt on each line; None
            looks for words such as "faces" in the generator's reference and in its card.
        generator: its reference.
    Raises:
        BadInput: there is no such domain, or the file cannot be read, is not UTF-8, or holds too
            few prompts.
    """
    if name is None:
        return _suiting(generator)
    if name in domain_names():
        return _shipped(name)
    path = expand_path(name)
    if not is_there(path, hint="Check the path"):
        raise BadInput(
            f"there is no domain and no file {name}",
            hint=f"Use `domain` {', '.join(domain_names())}, or a text file of your own prompts",
            field="domain",
        )
    prompts = tuple(read_distinct_prompts(path, field="domain"))
    if len(prompts) < FEWEST_PROMPTS:
        raise BadInput(
            f"{path} holds {len(prompts)} prompt{'s' if len(prompts) != 1 else ''}, too few for a "
            "domain",
            hint=f"Write {FEWEST_PROMPTS} or more, one on each line",
            field="domain",
        )
    return Domain(path.name, prompts)


def unrelated_prompts() -> tuple[str, ...]:
    """Prompts that lie outside of every domain."""
    return _read(UNRELATED)[1]


@torch.no_grad()
def _distinct(embedder: Embedder, prompts: Sequence[str]) -> list[int]:
    """The rows of prompts that are read as none before them."""
    unit = normalize(embedder.embed_text(prompts).double(), dim=1)
    alike = (1 - unit @ unit.T < ALIKE).tril(diagonal=-1)
    return (~alike.any(dim=1)).nonzero()[:, 0].tolist()


def _suiting(generator: str) -> Domain:
    words = set(_words(f"{generator} {_summary(generator)}"))
    for name in domain_names():
        if words & _read(name)[0]:
            return _shipped(name)
    return _shipped(GENERAL)


def _summary(generator: str) -> str:
    card = registry().cards("generator").get(generator)
    return card.summary if card else ""


def _shipped(name: str) -> Domain:
    return Domain(name, _read(name)[1])


@cache
def _read(name: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """The words by which generators of a shipped domain are known, and its prompts."""
    lines = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    comments = [line for line in lines if line.startswith("#")]
    words = comments[0].partition(":")[2]
    return frozenset(_words(words)), tuple(line for line in lines if line not in comments)


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())
