"""The interface of priors, and the one file that a prior is.

A prior file is a ``.safetensors`` file whose metadata has one key, ``c2l``: the JSON of a
``PriorCard``. Its tensors are the prior's state dict, in float32 or float16.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from c2l.errors import BadWeights
from c2l.files import write_atomically
from c2l.part import Part
from c2l.student import Student
from c2l_registry import Source

SCHEMA = "c2l-prior/1"

Modality = Literal["text", "image"]
"""What an embedding is of. The two lie apart: see "the modality gap" (arXiv 2203.02053)."""

HEARD = frozenset({"guidance", "steps", "adherence", "negative"})
"""What ``Prior.sample`` may be told of how to draw."""


@dataclass(frozen=True)
class PartCard:
    """Which part a prior was trained for, and the package that provides it."""

    reference: str
    fingerprint: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    package: str = ""

    @classmethod
    def of(cls, part: Part) -> Self:
        return cls(part.reference, part.fingerprint(), dict(part.settings()), part.package)


@dataclass(frozen=True)
class PriorCard:
    """Everything about a prior but its tensors.

    Args:
        kind: the registered kind, as in ``flow``.
        settings: constructor arguments of the class, JSON-able.
        generator, embedder: the parts it was trained for.
        repeats: how often each of the K codes is repeated over the generator's layers.
        training: how it was trained: number of pairs, steps, seed, versions.
        scores: what it reached, by name.
        domain: what its generator can draw: ``name``, and ``threshold``, the cosine of picture
            and prompt below which a prompt is far from it; empty where nobody measured.
        student: constructor arguments of the ``Student`` in the file; None where there is none.
    """

    kind: str
    settings: Mapping[str, Any]
    generator: PartCard
    embedder: PartCard
    repeats: tuple[int, ...]
    training: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    domain: Mapping[str, Any] = field(default_factory=dict)
    student: Mapping[str, Any] | None = None

    def to_json(self) -> str:
        return json.dumps({"schema": SCHEMA, **dataclasses.asdict(self)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Raises ``ValueError``, ``KeyError`` or ``TypeError`` on anything but a card."""
        raw = json.loads(text)
        if raw.pop("schema") != SCHEMA:
            raise ValueError("unknown schema")
        raw["generator"] = PartCard(**raw["generator"])
        raw["embedder"] = PartCard(**raw["embedder"])
        raw["repeats"] = tuple(raw["repeats"])
        return cls(**raw)


class Prior(Part, ABC):
    """Embeddings to latents of one generator.

    A subclass takes ``embedding_width``, ``num_codes`` and ``latent_width`` and its own settings
    as keyword arguments of its constructor, keeps each as an attribute of the same name (or says in
    ``settings()`` what they were), and everything else it needs in parameters and buffers.
    """

    trains_by_gradient: ClassVar[bool] = True
    """False for priors that ``fit`` alone finishes, such as nearest neighbours."""

    listens_to: ClassVar[frozenset[str]] = HEARD
    """Which of ``guidance``, ``steps``, ``adherence`` and ``negative`` change what is sampled; a
    user who gives another one is told that it is ignored."""

    card: PriorCard | None = None
    """What its file says about it; None for a prior that was never saved or loaded."""

    student: Student | None
    """Ranks candidates without rendering them; None where none was trained."""

    def __init__(self) -> None:
        super().__init__()
        # Not on the class, where it would hide the module that takes its place.
        self.student = None

    @property
    def repeats(self) -> tuple[int, ...] | None:
        """How often each of the K codes feeds the generator; None leaves it to the generator."""
        return self.card.repeats if self.card else None

    @classmethod
    def suggest_settings(
        cls, num_pairs: int, *, embedding_width: int, num_codes: int, latent_width: int
    ) -> Mapping[str, Any]:
        """Settings that suit so many pairs of these widths; none, unless a class knows better."""
        return {}

    def settings(self) -> Mapping[str, Any]:
        """The keyword arguments that build this prior again, JSON-able: attributes of their names.

        A class that keeps one elsewhere, or in another form, returns them itself.
        """
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    @abstractmethod
    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        """Take what is computed in closed form from pairs: statistics, or the whole prior.

        Args:
            embeddings: float32, shape (N, E), of images, as the embedder gives them.
            latents: float32, shape (N, K, D).
            texts: float32, shape (M, E), of prompts that suit the generator; None where there are
                none. They tell where the text of this domain lies, and belong to no picture.
        """

    def training_loss(self, embeddings: Tensor, latents: Tensor, rng: torch.Generator) -> Tensor:
        """The loss of one batch of pairs, a scalar; all randomness comes from ``rng`` (CPU)."""
        raise NotImplementedError(f"{type(self).__name__} is not trained by gradient")

    @abstractmethod
    def sample(
        self,
        embeddings: Tensor,
        *,
        seeds: Sequence[int],
        guidance: float | None = None,
        steps: int | None = None,
        adherence: float | None = None,
        negative: Tensor | None = None,
        modality: Modality = "text",
    ) -> Tensor:
        """Draw latents for embeddings. A prior ignores what it does not list in ``listens_to``.

        Args:
            embeddings: float32, shape (B, E), as the embedder gives them.
            seeds: B non-negative integers; row i depends on its embedding and ``seeds[i]`` alone.
            guidance: strength of classifier-free guidance; 1 is none; None the prior's default.
            steps: network evaluations; None the prior's default.
            adherence: how literally to take the embedding, from 0 (its neighbourhood) to 1 (the
                point); None the prior's default.
            negative: float32, shape (B, E): what to stay away from, under guidance.
            modality: what the embeddings are of.
        Returns:
            float32, shape (B, K, D), in the generator's latent space (not standardised).
        """

    def save(self, path: Path, card: PriorCard, *, half: bool = False) -> None:
        """Write the prior to ``path`` atomically, its floating tensors in float16 if ``half``."""
        student = self.student.settings() if self.student is not None else None
        card = dataclasses.replace(card, student=student)
        tensors = {
            name: (t.half() if half and t.is_floating_point() else t).detach().cpu().contiguous()
            for name, t in self.state_dict().items()
        }
        write_atomically(path, safetensors.torch.save(tensors, metadata={"c2l": card.to_json()}))
        self.card = card

    @classmethod
    def load(cls, source: Source) -> Self:
        """Read a prior file on the CPU, in float32 and eval mode.

        Raises:
            BadWeights: the file is truncated, foreign, or holds another kind.
        """
        assert source.path is not None, "a prior is always a file"
        card = read_prior_card(source.path)
        if card.kind != source.reference.kind:
            raise BadWeights(
                f"{source.path} holds a prior of kind {card.kind}, not {source.reference.kind}",
                hint=f"Name it {card.kind}:{source.path}",
            )
        try:
            with safe_open(source.path, framework="pt") as file:
                names = list(file.keys())
                cls._refuse_other_shapes(card, {n: file.get_slice(n).get_shape() for n in names})
                prior = cls._untrained(card)
                tensors = {name: file.get_tensor(name) for name in names}
            prior.load_state_dict(
                {n: t.float() if t.is_floating_point() else t for n, t in tensors.items()}
            )
        except (SafetensorError, RuntimeError, TypeError, ValueError) as error:
            raise BadWeights(
                f"{source.path} is not a whole {card.kind} prior: {str(error).splitlines()[0]}",
                hint="Train it again or fetch it again",
            ) from error
        prior.card = card
        return prior.eval().requires_grad_(False)

    @classmethod
    def _untrained(cls, card: PriorCard) -> Self:
        prior = cls(**card.settings)
        if card.student is not None:
            prior.student = Student(**card.student)
        return prior

    @classmethod
    def _refuse_other_shapes(cls, card: PriorCard, found: Mapping[str, list[int]]) -> None:
        """Raises ``ValueError`` where settings ask for more memory than the file has tensors."""
        try:
            with torch.device("meta"):
                wanted = cls._untrained(card).state_dict()
        except (NotImplementedError, RuntimeError):
            return  # a constructor that looks at values cannot be tried without memory
        for name, tensor in wanted.items():
            if found.get(name) != list(tensor.shape):
                raise ValueError(f"{name} is {found.get(name)}, not {list(tensor.shape)}")


def read_prior_card(path: Path) -> PriorCard:
    """Read the card of a prior file without its tensors.

    Raises:
        BadWeights: the file is not a prior file.
    """
    hint = "Give a .safetensors file that 'c2l train' wrote"
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        return PriorCard.from_json(metadata["c2l"])
    except (SafetensorError, OSError) as error:
        raise BadWeights(f"{path} is no readable safetensors file: {error}", hint=hint) from error
    except (KeyError, ValueError, TypeError) as error:
        raise BadWeights(f"{path} is not a c2l prior", hint=hint) from error
