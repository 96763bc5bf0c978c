"""The interface of priors: embeddings to latents of one generator."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from torch import Tensor

from c2l import prior_file
from c2l.errors import BadInput, BadWeights
from c2l.guard import Look
from c2l.looks import look_at_loss, look_at_sampled_latents
from c2l.part import Part
from c2l.prior_checks import check_embeddings, check_ways, classes_of, with_several_negative
from c2l.prior_file import PriorCard, read_prior_card
from c2l.prior_settings import PriorSettings, problem_text
from c2l.sample_options import OPTIONAL, USUAL, SampleOptions
from c2l.student import Student
from c2l.weightless import unfilled
from c2l_registry import Source
from c2l_registry.wording import a_type_of


class Prior(Part, ABC):
    """Embeddings to latents of one generator.

    A subclass implements ``fit``, ``_sample`` and, unless ``trains_by_gradient`` is False,
    ``training_loss``. It declares ``Settings`` and passes the keyword arguments of its constructor
    to this one, which checks them and keeps them in ``self.config``. All other state is in
    parameters and buffers, whose shapes follow from the settings, since a file is loaded into a
    prior built from them.

    Raises:
        BadInput: a setting is unknown or out of range.
    """

    _looks: ClassVar[Mapping[str, Look | None]] = {
        **Part._looks,
        "fit": None,
        "refine": None,
        "training_loss": look_at_loss,
        "save": None,
        "_sample": look_at_sampled_latents,
    }

    Settings: ClassVar[type[PriorSettings]] = PriorSettings

    trains_by_gradient: ClassVar[bool] = True
    """False for priors that need only ``fit``, such as nearest neighbours."""

    always_half: ClassVar[bool] = False
    """True for priors whose ``fit`` already rounds to float16: their files are always in float16,
    half the size and just as exact."""

    takes_classes: ClassVar[bool] = False
    """True for priors that learn the class of each pair, where there are several: then
    ``config.num_classes`` is not 0. See ``labelled``; ``_sample`` finds classes in its options."""

    supported_options: ClassVar[frozenset[str]] = USUAL
    """Which of guidance, steps, adherence, negative, negative_by, towards and near the prior uses.
    ``_sample`` gets None for the others, and a user who sets one of those is warned that it is
    ignored. The last two are for priors that sample from noise, and have to be named."""

    config: PriorSettings
    """The settings, checked. A subclass may declare the type of its own."""

    card: PriorCard | None = None
    """What its file says about it; None for a prior that was never saved or loaded."""

    student: Student | None
    """Ranks candidates without rendering them; None where none was trained."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        cls.supported_options = frozenset(cls.supported_options)
        if unknown := cls.supported_options - OPTIONAL:
            raise TypeError(
                f"{cls.__name__}.supported_options has {', '.join(map(repr, sorted(unknown)))}, "
                f"which is not one of {', '.join(sorted(OPTIONAL))}"
            )

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        # Not on the class, where it would hide the module that takes its place.
        self.student = None
        try:
            self.config = self.Settings(**settings)
        except ValidationError as error:
            problems = [problem_text(p) for p in error.errors(include_url=False)]
            raise BadInput(
                f"{a_type_of(self)} cannot have these settings: {'; '.join(problems)}",
                hint=f"It has {', '.join(self.Settings.model_fields)}",
                field="settings",
            ) from error

    @property
    def repeats(self) -> tuple[int, ...] | None:
        """How many layers each of the K codes feeds; None leaves it to the generator."""
        return self.card.repeats if self.card else None

    @property
    def ignored_options(self) -> frozenset[str]:
        """The options that the prior does not support."""
        return OPTIONAL - self.supported_options

    @classmethod
    def suggest_settings(
        cls, num_pairs: int, *, embedding_width: int, num_codes: int, latent_width: int
    ) -> Mapping[str, Any]:
        """Settings that suit this number of pairs of these widths. By default, none."""
        return {}

    def settings(self) -> Mapping[str, Any]:
        """The keyword arguments that build this prior again, JSON-able."""
        # Without classes, as before there were any: fingerprints and files stay what they are.
        none = set() if self.config.num_classes else {"num_classes"}
        return self.config.model_dump(mode="json", exclude=none)

    @abstractmethod
    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        """Compute from pairs what has a closed form: statistics, or the whole prior.

        Called once, before the first step of training.

        Args:
            embeddings: float32, shape (N, E), of images, as the embedder gives them. Of more pairs
                than fit in memory, these are the first ones.
            latents: float32, shape (N, K, D).
            texts: float32, shape (M, E), of prompts that suit the generator, if there are any. They
                show where texts of this domain lie; they are not paired with the images.
        Raises:
            BadInput: these are not pairs of the prior's widths, or there are none.
        """

    def labelled(self, embeddings: Tensor, classes: Tensor | None) -> Tensor:
        """Embeddings of pairs as ``fit``, ``training_loss`` and ``refine`` of this prior take them.

        Args:
            embeddings: (N, E).
            classes: int64, (N,), of a generator with classes.
        Returns:
            (N, E); or (N, E + 1), whose last column is the class, for a prior that learns them.
        """
        if classes is None or not self.config.num_classes:
            return embeddings
        return torch.cat([embeddings.float(), classes[:, None].float()], dim=1)

    def without_labels(self, labelled: Tensor) -> tuple[Tensor, Tensor | None]:
        """The embeddings (N, E) and classes (N,) that ``labelled`` put together."""
        if not self.config.num_classes:
            return labelled, None
        return labelled[:, :-1], labelled[:, -1].round().long()

    def sampling_candidates(self) -> Sequence[Mapping[str, Any]]:
        """Settings that ``fit`` has left open, to choose among once the prior is trained.

        Each is a change of ``settings`` for ``adopt``; the first is what it would take unseen.
        Empty, unless a class leaves something open.
        """
        return ()

    def sampling_candidates_near(self, settings: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """More candidates, close to the best one so far; at most as many again are tried."""
        return ()

    def sampling_doubt(self, settings: Mapping[str, Any]) -> float:
        """What to multiply the odds of a picture that does not fit by, to compare candidates.

        Above 1 for one whose pictures the embedder has picked itself: it does not see what it
        overlooked.
        """
        return 1.0

    def sampling_evidence(self) -> Mapping[str, float]:
        """Numbers that the candidates rest on, for the prior's card."""
        return {}

    def adopt(self, settings: Mapping[str, Any]) -> None:
        """Change settings that affect only sampling; a class that leaves none open has none."""
        raise NotImplementedError(f"{type(self).__name__} leaves no settings open")

    def refine(self, embeddings: Tensor, rng: torch.Generator) -> None:
        """Learn what can only be learnt from trained weights, such as fewer steps.

        Called once, after training by gradient and after the choice of sampling settings. These are
        then chosen again, to suit the prior before and after. By default there is nothing to do. It
        leaves no gradients behind.

        Args:
            embeddings: float32, shape (N, E), of the pairs trained on.
            rng: all randomness comes from it (CPU).
        """

    def training_loss(self, embeddings: Tensor, latents: Tensor, rng: torch.Generator) -> Tensor:
        """The loss of one batch of pairs.

        Args:
            embeddings, latents: B pairs, as in ``fit``; move them to ``self.device``.
            rng: on the CPU. All randomness comes from it, so that a run can be resumed.
        Returns:
            a scalar with a gradient.
        """
        raise NotImplementedError(f"{type(self).__name__} is not trained by gradient")

    def forward(self, embeddings: Tensor, latents: Tensor, rng: torch.Generator) -> Tensor:
        """``training_loss``, by the name that wrappers such as DDP call."""
        return self.training_loss(embeddings, latents, rng)

    @torch.no_grad()
    def sample(
        self, embeddings: Tensor, options: SampleOptions | None = None, **keywords: Any
    ) -> Tensor:
        """Draw latents for embeddings.

        Args:
            embeddings: float32, shape (B, E), as the embedder gives them.
            options: seeds, guidance and so on; or as keywords, ``seeds=[0, 1], guidance=2.0``,
                which win over ``options``.
        Returns:
            float32, shape (B, K, D), in the generator's latent space (not standardised).
        Raises:
            BadInput: embeddings that do not fit or hold NaN, or an option out of range.
        """
        if options is None:
            options = SampleOptions(**keywords)
        elif keywords:
            options = dataclasses.replace(options, **keywords)
        check_embeddings(embeddings, self.config.embedding_width)
        if len(options.seeds) != len(embeddings):
            raise BadInput(
                f"{len(embeddings)} embeddings need {len(embeddings)} seeds, "
                f"not {len(options.seeds)}",
                hint="Give one seed for each",
                field="seeds",
            )
        if options.negative is not None:
            options = with_several_negative(self.config, options, len(embeddings))
        unused: dict[str, Any] = dict.fromkeys(self.ignored_options)
        classes = classes_of(self.config, options)
        options = dataclasses.replace(options, **unused, classes=classes)
        check_ways(self.config, options, len(embeddings))
        if options.near is not None and options.near.amount == 0:
            return options.near.latents.to(self.device, copy=True)
        if options.near is not None and options.near.amount == 1:
            options = dataclasses.replace(options, near=None)
        return self._answer(embeddings, options)

    def _answer(self, embeddings: Tensor, options: SampleOptions) -> Tensor:
        """``_sample``, or what a base class has in its place."""
        return self._sample(embeddings, options)

    @abstractmethod
    def _sample(self, embeddings: Tensor, options: SampleOptions) -> Tensor:
        """What a subclass does for ``sample``, which has checked the input: no gradients.

        Args:
            embeddings: finite, float32, shape (B, E), on any device.
            options: with B seeds; None for every option that ``supported_options`` does not name,
                and for what the prior itself is to decide. Where it names ``towards``, random
                numbers come from ``options.normal``. The amount of ``near`` is between 0 and 1.
        Returns:
            float32, shape (B, K, D), on the prior's device, not standardised. Row i depends on
            ``embeddings[i]`` and ``options.seeds[i]`` alone: see ``c2l.SeededNormal``.
        """

    def save(self, path: Path, card: PriorCard, *, half: bool = False) -> None:
        """Write the prior to ``path`` atomically, its weights in float16 if ``half``.

        The live weights stay as they are.

        Raises:
            NotWritable: the folder cannot be written.
        """
        student = self.student.settings() if self.student is not None else None
        card = dataclasses.replace(card, student=student)
        tensors: dict[str, Tensor] = self.state_dict()
        half = half or self.always_half
        prior_file.write_prior(path, card, self._halved(tensors) if half else tensors)
        self.card = card

    def _halved(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The tensors that ``half`` stores; a subclass may leave some of them in float32."""
        return {n: t.half() if t.is_floating_point() else t for n, t in tensors.items()}

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
            cls._refuse_other_shapes(card, prior_file.read_shapes(source.path))
            prior = cls._untrained(card)
            prior.load_state_dict(prior_file.read_tensors(source.path))
        except (SafetensorError, RuntimeError, TypeError, ValueError, BadInput) as error:
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
            with unfilled():
                wanted = cls._untrained(card).state_dict()
        except (NotImplementedError, RuntimeError):
            return  # a constructor that looks at values cannot be tried without memory
        for name, tensor in wanted.items():
            if found.get(name) != list(tensor.shape):
                raise ValueError(f"{name} is {found.get(name)}, not {list(tensor.shape)}")
