"""Priors that break one law each. ``Line`` keeps all of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mutant import breaks
from torch import Tensor, nn

import c2l
from c2l.errors import BadInput, BadWeights
from c2l.ranges import Size


class Line(c2l.Prior):
    """The line of least squares from embedding to latent, with noise around it."""

    supported_options = frozenset({"guidance"})

    class Settings(c2l.PriorSettings):
        spread: Size = 0.1

    config: Settings
    mean: Tensor

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        shape = (self.config.num_codes, self.config.latent_width)
        self.register_buffer("mean", torch.zeros(shape))
        self.line = nn.Linear(self.config.embedding_width, shape[0] * shape[1], bias=False)

    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        c2l.check_pairs(self.config, embeddings, latents, texts)
        self.mean.copy_(latents.mean(dim=0))
        moved = (latents - self.mean).flatten(1)
        with torch.no_grad():
            self.line.weight.copy_(torch.linalg.lstsq(embeddings, moved).solution.T)

    def training_loss(self, embeddings: Tensor, latents: Tensor, rng: torch.Generator) -> Tensor:
        noise = 0.1 * torch.randn(embeddings.shape, generator=rng)
        moved = (latents - self.mean).flatten(1)
        return (self.line(embeddings + noise) - moved).square().mean()

    def _sample(self, embeddings: Tensor, options: c2l.SampleOptions) -> Tensor:
        noise = self.config.spread * c2l.draw_normal(options.seeds, self.mean.numel())
        guidance = 1.0 if options.guidance is None else options.guidance
        moved = guidance * self.line(embeddings) + noise
        return self.mean + moved.unflatten(1, self.mean.shape)


class Draws(Line):
    """Samples as the line does, and changes the latents."""

    def _sample(self, embeddings: Tensor, options: c2l.SampleOptions) -> Tensor:
        return self.change(super()._sample(embeddings, options))

    def change(self, latents: Tensor) -> Tensor:
        return latents


class Loses(Line):
    """Has the loss of the line, and changes it."""

    def training_loss(self, embeddings: Tensor, latents: Tensor, rng: torch.Generator) -> Any:
        return self.change(super().training_loss(embeddings, latents, rng))

    def change(self, loss: Tensor) -> Any:
        return loss


@breaks("using_it_does_not_end_the_process")
class Dies(Loses):
    def change(self, loss: Tensor) -> Tensor:
        os._exit(1)


@breaks("it_can_be_built")
class NeedsMore(Line):
    def __init__(self, depth: int, **settings: Any) -> None:
        super().__init__(**settings)


@breaks("it_can_be_built")
class NoBase(Line):
    def __init__(self, **settings: Any) -> None:
        nn.Module.__init__(self)


@breaks("unknown_settings_are_refused")
class TakesAny(Line):
    def __init__(self, **settings: Any) -> None:
        fields = type(self).Settings.model_fields
        super().__init__(**{name: value for name, value in settings.items() if name in fields})


@breaks("it_can_be_fitted")
class FitRaises(Line):
    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        raise ZeroDivisionError("division by zero")


@breaks("it_can_be_fitted")
class NeedsTexts(Line):
    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor) -> None:  # type: ignore[override]
        super().fit(embeddings, latents, texts)


@breaks("fitting_leaves_pairs_and_process_alone")
class CentresInPlace(Line):
    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        super().fit(embeddings, latents, texts)
        latents.sub_(1.0)


@breaks("fitting_leaves_pairs_and_process_alone")
class FitsAtRandom(Line):
    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        super().fit(embeddings, latents, texts)
        torch.randperm(3)


@breaks("what_is_no_pair_is_refused")
class TakesAnyPairs(Line):
    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        num = min(len(embeddings), len(latents))
        if num:
            super().fit(embeddings[:num], latents[:num])


@breaks("the_loss_is_a_number")
class VectorLoss(Line):
    def training_loss(self, embeddings: Tensor, latents: Tensor, rng: torch.Generator) -> Tensor:
        return (self.line(embeddings) - latents.flatten(1)).square().mean(1)


@breaks("the_loss_is_a_number")
class NanLoss(Loses):
    def change(self, loss: Tensor) -> Tensor:
        return loss * torch.nan


@breaks("the_loss_is_a_number")
class NoGradient(Loses):
    def change(self, loss: Tensor) -> Tensor:
        return loss.detach()


@breaks("the_loss_is_a_number")
class FloatLoss(Loses):
    def change(self, loss: Tensor) -> float:
        return 0.5


@breaks("the_loss_is_a_number")
class NoLoss(Line):
    training_loss = c2l.Prior.training_loss


@breaks("the_loss_leaves_the_process_alone")
class GlobalNoise(Loses):
    def change(self, loss: Tensor) -> Tensor:
        return loss * (1 + torch.rand(()))


@breaks("the_loss_depends_on_pairs_and_rng_alone")
class CountsLosses(Loses):
    calls = 0

    def change(self, loss: Tensor) -> Tensor:
        self.calls += 1
        return loss * self.calls


@breaks("latents_have_their_shape")
class OneRow(Draws):
    def change(self, latents: Tensor) -> Tensor:
        return latents[:1]


@breaks("latents_have_their_shape")
class FlatLatents(Draws):
    def change(self, latents: Tensor) -> Tensor:
        return latents.flatten(1)


@breaks("latents_have_their_shape")
class HalfLatents(Draws):
    def change(self, latents: Tensor) -> Tensor:
        return latents.half()


@breaks("latents_have_their_shape")
class NanLatents(Draws):
    def change(self, latents: Tensor) -> Tensor:
        return latents * torch.inf


@breaks("latents_have_their_shape_with_every_option")
class DoubleWhenGuided(Line):
    def _sample(self, embeddings: Tensor, options: c2l.SampleOptions) -> Tensor:
        latents = super()._sample(embeddings, options)
        return latents if options.guidance is None else latents.double()


@breaks("settings_can_be_stored")
class TensorSettings(Line):
    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "mean": self.mean}


@breaks("sampling_leaves_the_process_alone")
class DrawsAtRandom(Draws):
    def change(self, latents: Tensor) -> Tensor:
        return latents + np.random.rand()


@breaks("sampling_leaves_its_embeddings_alone")
class NormalisesInPlace(Line):
    def _sample(self, embeddings: Tensor, options: c2l.SampleOptions) -> Tensor:
        return super()._sample(embeddings.div_(2), options)


@breaks("sampling_again_gives_the_same_latents")
class Counts(Draws):
    calls = 0

    def change(self, latents: Tensor) -> Tensor:
        self.calls += 1
        return latents + self.calls % 2


@breaks("a_latent_is_the_same_in_any_batch")
class OverBatch(Draws):
    def change(self, latents: Tensor) -> Tensor:
        return latents - latents.mean(0)


@breaks("a_latent_is_the_same_in_any_batch")
class FirstSeed(Line):
    def _sample(self, embeddings: Tensor, options: c2l.SampleOptions) -> Tensor:
        rng = torch.Generator().manual_seed(sum(seed % 2**31 for seed in options.seeds))
        noise = 0.1 * torch.randn(len(embeddings), *self.mean.shape, generator=rng)
        return super()._sample(embeddings, options) + noise


@breaks("no_embeddings_give_no_latents")
class NeedsOne(Draws):
    def change(self, latents: Tensor) -> Tensor:
        return latents / (latents.shape[0] // latents.shape[0])


@breaks("every_seed_has_a_stream_of_its_own")
class ThirtyTwoBits(Line):
    def _sample(self, embeddings: Tensor, options: c2l.SampleOptions) -> Tensor:
        low = [seed % 2**32 for seed in options.seeds]
        return super()._sample(embeddings, c2l.SampleOptions(seeds=low, guidance=options.guidance))


@breaks("every_seed_has_a_stream_of_its_own")
class IgnoresSeeds(Line):
    def _sample(self, embeddings: Tensor, options: c2l.SampleOptions) -> Tensor:
        moved = self.line(embeddings) * (1.0 if options.guidance is None else options.guidance)
        return self.mean + moved.unflatten(1, self.mean.shape)


@breaks("the_embedding_decides")
class IgnoresEmbeddings(Line):
    supported_options = frozenset()

    def _sample(self, embeddings: Tensor, options: c2l.SampleOptions) -> Tensor:
        return super()._sample(torch.zeros_like(embeddings), options)


@breaks("a_supported_option_makes_a_difference")
class PromisesSteps(Line):
    supported_options = frozenset({"guidance", "steps"})


@breaks("a_way_leads_from_sample_to_sample")
class KnowsHalfTheWay(Line):
    """Goes from one noise to the other, and stays with the first embedding."""

    supported_options = frozenset({"guidance", "towards"})

    def _sample(self, embeddings: Tensor, options: c2l.SampleOptions) -> Tensor:
        drawn = super()._sample(embeddings, options)
        other = options.normal(self.device)(self.mean.numel()).unflatten(1, self.mean.shape)
        own = c2l.SeededNormal(options.seeds, self.device)(self.mean.numel())
        return drawn + self.config.spread * (other - own.unflatten(1, self.mean.shape))


@breaks("staying_near_begins_where_it_is")
class StaysFarAway(Line):
    supported_options = frozenset({"guidance", "near"})

    def _sample(self, embeddings: Tensor, options: c2l.SampleOptions) -> Tensor:
        drawn = super()._sample(embeddings, options)
        return drawn if options.near is None else (drawn + options.near.latents) / 2


@breaks("an_option_that_it_does_not_support_changes_nothing")
class KeepsAnOption(Line):
    def sample(self, embeddings: Tensor, options: Any = None, **keywords: Any) -> Tensor:
        steps = keywords.get("steps")
        return super().sample(embeddings, options, **keywords) + (steps or 0)


@breaks("what_cannot_be_asked_is_refused")
class AnswersAnything(Line):
    def sample(self, embeddings: Tensor, options: Any = None, **keywords: Any) -> Tensor:
        try:
            return super().sample(embeddings, options, **keywords)
        except BadInput:
            return self.mean.expand(len(embeddings), -1, -1)


@breaks("it_learns")
class Standardised(Draws):
    """Leaves its latents as they were learnt."""

    def change(self, latents: Tensor) -> Tensor:
        return (latents - self.mean) * 20


@breaks("it_learns")
class Opposite(Line):
    def _sample(self, embeddings: Tensor, options: c2l.SampleOptions) -> Tensor:
        return super()._sample(-embeddings, options)


@breaks("the_fingerprint_follows_the_state")
class OneFingerprint(Line):
    def fingerprint(self) -> str:
        return "0" * 64


@breaks("a_saved_prior_draws_as_before")
class ForgetsWhatItFitted(Draws):
    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        super().fit(embeddings, latents, texts)
        self.offset = latents.mean()

    def change(self, latents: Tensor) -> Tensor:
        return latents + 0.1 * getattr(self, "offset", 0)


@breaks("a_saved_prior_draws_as_before")
class ForgetsASetting(Line):
    def settings(self) -> dict[str, Any]:
        return {name: value for name, value in super().settings().items() if name != "spread"}

    @classmethod
    def suggest_settings(cls, num_pairs: int, **widths: int) -> dict[str, Any]:
        return {"spread": 0.2}


@breaks("a_loaded_prior_can_be_used_at_once")
class LoadsToBeTrained(Line):
    @classmethod
    def load(cls, source: c2l.Source) -> Any:
        return super().load(source).train()


@breaks("saving_leaves_the_prior_alone")
class RoundsItself(Line):
    def save(self, path: Path, card: c2l.PriorCard, *, half: bool = False) -> None:
        if half:
            self.line.weight.data = self.line.weight.half().float()
        super().save(path, card, half=half)


@breaks("in_float16_it_draws_nearly_the_same")
class RoundsTooMuch(Line):
    def _halved(self, tensors: Any) -> Any:
        return {name: tensor.round().half() for name, tensor in tensors.items()}


@breaks("a_file_that_is_cut_is_refused")
class TakesHalfAFile(Line):
    @classmethod
    def load(cls, source: c2l.Source) -> Any:
        try:
            return super().load(source)
        except BadWeights:
            return cls(embedding_width=24, num_codes=2, latent_width=16)


@breaks("made_again_it_is_the_same")
class PersonalFingerprint(Line):
    def fingerprint(self) -> str:
        return f"{super().fingerprint()[:48]}{id(self):016x}"


@breaks("another_process_gets_the_same_answers")
class HashesText(Draws):
    def change(self, latents: Tensor) -> Tensor:
        return latents + 0.1 * (hash("text") % 1000) / 1000


@breaks("the_number_of_threads_does_not_matter")
class CountsThreads(Draws):
    def change(self, latents: Tensor) -> Tensor:
        return latents + 0.01 * torch.get_num_threads()


@breaks("all_numbers_lie_in_the_state")
class Hidden(Draws):
    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.gains = torch.full((self.config.latent_width,), 1.1)

    def change(self, latents: Tensor) -> Tensor:
        return latents * self.gains


class Told(Line):
    """The line of each class: what an embedding shows besides it, seen from the mean of its class.

    ``shown`` and ``drawn`` are the mean embedding and the mean latent of each class.
    """

    takes_classes = True
    shown: Tensor
    drawn: Tensor

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        num, size = self.config.num_classes, self.mean.numel()
        self.register_buffer("shown", torch.zeros(num, self.config.embedding_width))
        self.register_buffer("drawn", torch.zeros(num, size))

    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        embeddings, classes = self.without_labels(embeddings)
        super().fit(embeddings, latents, texts)
        for number in range(self.config.num_classes):
            assert classes is not None
            self.shown[number] = embeddings[classes == number].mean(dim=0)
            self.drawn[number] = (latents - self.mean)[classes == number].flatten(1).mean(dim=0)

    def training_loss(self, embeddings: Tensor, latents: Tensor, rng: torch.Generator) -> Tensor:
        return super().training_loss(self.without_labels(embeddings)[0], latents, rng)

    def _sample(self, embeddings: Tensor, options: c2l.SampleOptions) -> Tensor:
        free = super()._sample(embeddings, options)
        told = self.heard(options.classes)
        if told is None:
            return free
        own = torch.cdist(embeddings, self.shown).argmin(dim=1)
        return free + (self.drawn[told] - self.drawn[own]).unflatten(1, self.mean.shape)

    def heard(self, classes: Any) -> Any:
        return classes and list(classes)


@breaks("pairs_of_classes_are_learnt")
class TakesNoLabels(Told):
    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        Line.fit(self, embeddings, latents, texts)


@breaks("a_class_that_is_told_is_obeyed")
class Deaf(Told):
    def heard(self, classes: Any) -> Any:
        return None


@breaks("a_told_latent_depends_on_its_row_alone")
class HearsTheFirst(Told):
    def heard(self, classes: Any) -> Any:
        return classes and [classes[0]] * len(classes)
