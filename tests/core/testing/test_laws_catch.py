"""A law that nothing breaks is worth nothing: each wrong part breaks one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import c2l
from c2l.testing import (
    EMBEDDER_LAWS,
    GENERATOR_LAWS,
    PRIOR_LAWS,
    Law,
    ToyEmbedder,
    ToyGenerator,
    ToyPrior,
)
from c2l.testing.toy_world import WIDTH


def by_name(laws: Sequence[Law[Any]]) -> dict[str, Law[Any]]:
    return {law.__name__: law for law in laws}


GENERATOR, EMBEDDER, PRIOR = map(by_name, (GENERATOR_LAWS, EMBEDDER_LAWS, PRIOR_LAWS))


def breaks(law: Law[Any], part: Any) -> str:
    """What the law says of the part."""
    with pytest.raises(AssertionError) as caught:
        law(part)
    return str(caught.value)


def generator_that(**methods: Any) -> ToyGenerator:
    return type("Wrong", (ToyGenerator,), methods)()


def drawing(change: Callable[[Tensor], Tensor]) -> ToyGenerator:
    """A generator whose pictures are changed."""

    def synthesize(self: Any, latents: Tensor, **options: Any) -> Tensor:
        return change(ToyGenerator.synthesize(self, latents, **options))

    return generator_that(synthesize=synthesize)


def taking(change: Callable[[Tensor], Tensor]) -> ToyGenerator:
    """A generator that changes the latents that it is given."""

    def synthesize(self: Any, latents: Tensor, **options: Any) -> Tensor:
        return ToyGenerator.synthesize(self, change(latents), **options)

    return generator_that(synthesize=synthesize)


def sampling(sample: Callable[[ToyGenerator, Sequence[int]], Tensor]) -> ToyGenerator:
    """A generator that samples by a function of the toy and of the seeds."""
    toy = ToyGenerator()
    return generator_that(sample_latents=lambda self, seeds: sample(toy, list(seeds)))


def with_global_noise(images: Tensor) -> Tensor:
    return images + 1e-6 * torch.rand(())


def with_numpys_noise(images: Tensor) -> Tensor:
    return images + 1e-6 * np.random.rand()


def ignoring_truncation() -> ToyGenerator:
    def synthesize(self: Any, latents: Tensor, truncation: float = 1.0, **options: Any) -> Tensor:
        return ToyGenerator.synthesize(self, latents, **options)

    return generator_that(synthesize=synthesize)


def turning_repeats() -> ToyGenerator:
    def synthesize(self: Any, latents: Tensor, repeats: Any = None, **options: Any) -> Tensor:
        turned = None if repeats is None else repeats[::-1]
        return ToyGenerator.synthesize(self, latents, repeats=turned, **options)

    return generator_that(synthesize=synthesize)


WRONG_GENERATORS: list[tuple[str, ToyGenerator, str]] = [
    ("latents_are_those_of_the_latent_space",
     sampling(lambda toy, seeds: toy.sample_latents(seeds) + 1), "the mean of latents"),
    ("latents_are_those_of_the_latent_space",
     sampling(lambda toy, seeds: 2 * toy.sample_latents(seeds) - toy.latent_space.mean),
     "the deviation of latents"),
    ("latents_are_those_of_the_latent_space",
     sampling(lambda toy, seeds: toy.sample_latents(seeds)[:, 0]), "shape"),
    ("latents_are_those_of_the_latent_space",
     sampling(lambda toy, seeds: toy.sample_latents(seeds).double()), "not float32"),
    ("a_latent_depends_on_its_seed_alone",
     sampling(lambda toy, seeds: toy.sample_latents(range(seeds[0], seeds[0] + len(seeds)))),
     "depends on its batch"),
    ("every_seed_has_a_latent_of_its_own",
     sampling(lambda toy, seeds: toy.sample_latents([seed % 2**32 for seed in seeds])),
     "give one latent"),
    ("pictures_have_their_shape_and_range", drawing(lambda x: (x + 1) / 2), "pixels run from"),
    ("pictures_have_their_shape_and_range", drawing(lambda x: 127.5 * (x + 1)), "pixels run from"),
    ("pictures_have_their_shape_and_range", drawing(lambda x: x.double()), "not float32"),
    ("pictures_have_their_shape_and_range", drawing(lambda x: x[:, :1]), "shape"),
    ("pictures_have_their_shape_and_range", drawing(lambda x: x * torch.nan), "NaN"),
    ("pictures_have_their_shape_and_range", taking(lambda w: w[:1].expand_as(w)), "one picture"),
    ("a_picture_is_the_same_in_any_batch", drawing(lambda x: x - x.mean()), "in a batch of"),
    ("truncation_pulls_latents_to_their_mean", ignoring_truncation(), "truncation 0.0"),
    ("latents_are_spread_over_the_layers", turning_repeats(), "groups of"),
    ("latents_of_another_generator_are_refused",
     taking(lambda w: w[..., :22].reshape(1, 1, -1)), "raise c2l.errors.BadInput"),
    ("gradients_reach_the_latents", drawing(lambda x: x.detach()), "no gradient"),
    ("gradients_reach_the_latents", drawing(lambda x: x.sign()), "zero"),
    ("drawing_leaves_everything_as_it_was", drawing(with_global_noise), "torch's global random"),
    ("drawing_leaves_everything_as_it_was", drawing(with_numpys_noise), "numpy's global random"),
    ("drawing_leaves_everything_as_it_was", taking(lambda w: w.mul_(0.5)), "writes to the latents"),
    ("the_fingerprint_is_that_of_the_weights",
     generator_that(fingerprint=lambda self: "0" * 64), "does not depend on"),
    ("the_fingerprint_is_that_of_the_weights",
     generator_that(fingerprint=lambda self: f"{id(self):064x}"), "a copy"),
]  # fmt: skip


@pytest.mark.parametrize(("law", "part", "message"), WRONG_GENERATORS)
def test_wrong_generators(law: str, part: ToyGenerator, message: str) -> None:
    assert message in breaks(GENERATOR[law], part)


def embedder_that(**methods: Any) -> ToyEmbedder:
    return type("Wrong", (ToyEmbedder,), methods)()


def seeing(change: Callable[[Tensor], Tensor]) -> ToyEmbedder:
    """An embedder whose embeddings of pictures are changed."""
    return embedder_that(
        embed_images=lambda self, images: change(ToyEmbedder.embed_images(self, images))
    )


def reading(change: Callable[[Tensor], Tensor]) -> ToyEmbedder:
    """An embedder whose embeddings of texts are changed."""
    return embedder_that(
        embed_text=lambda self, prompts: change(ToyEmbedder.embed_text(self, prompts))
    )


def unclamped(self: ToyEmbedder, images: Tensor) -> Tensor:
    small = torch.nn.functional.adaptive_avg_pool2d(images, 8)
    return torch.tanh(small.flatten(1) @ self.project.T)


def of_one_size(self: ToyEmbedder, images: Tensor) -> Tensor:
    assert images.shape[2:] == (40, 40), "other sizes are not read"
    return ToyEmbedder.embed_images(self, images)


def clamped_in_place(self: ToyEmbedder, images: Tensor) -> Tensor:
    return ToyEmbedder.embed_images(self, images.clamp_(-1, 1))


def short(self: ToyEmbedder, prompts: Sequence[str]) -> Tensor:
    if any(len(prompt) > 77 for prompt in prompts):
        raise ValueError("too long")
    return ToyEmbedder.embed_text(self, prompts)


WRONG_EMBEDDERS: list[tuple[str, ToyEmbedder, str]] = [
    ("embeddings_have_their_shape", reading(lambda e: e[:, 1:]), "shape"),
    ("embeddings_have_their_shape", reading(lambda e: e.double()), "not float32"),
    ("embeddings_have_their_shape", reading(lambda e: e[:1].expand_as(e)), "are equal"),
    ("a_text_is_the_same_in_any_batch", reading(lambda e: e - e.mean(0)), "in a batch of"),
    ("a_picture_is_the_same_in_any_batch", seeing(lambda e: e / e.std()), "in a batch of"),
    ("pictures_of_any_size_are_read", embedder_that(embed_images=of_one_size), "other sizes"),
    ("pictures_are_clamped", embedder_that(embed_images=unclamped), "not clamped"),
    ("gradients_reach_the_pictures", seeing(lambda e: e.detach()), "no gradient"),
    ("embedding_leaves_everything_as_it_was", seeing(with_global_noise), "random state"),
    ("embedding_leaves_everything_as_it_was",
     embedder_that(embed_images=clamped_in_place), "writes to the pictures"),
    ("settings_can_be_stored", embedder_that(settings=lambda self: {}), "is empty"),
    ("settings_can_be_stored", embedder_that(settings=lambda self: {"size": (8, 8)}), "as JSON"),
]  # fmt: skip


@pytest.mark.parametrize(("law", "part", "message"), WRONG_EMBEDDERS)
def test_wrong_embedders(law: str, part: ToyEmbedder, message: str) -> None:
    assert message in breaks(EMBEDDER[law], part)


def test_an_embedder_that_takes_no_long_text() -> None:
    with pytest.raises(ValueError, match="too long"):
        EMBEDDER["long_texts_are_read_to_where_they_fit"](embedder_that(embed_text=short))


class LearningPrior(ToyPrior):
    """The toy prior with a loss: what its network makes of noisy embeddings."""

    trains_by_gradient = True

    def training_loss(self, embeddings: Tensor, latents: Tensor, rng: torch.Generator) -> Tensor:
        noise = torch.randn(embeddings.shape, generator=rng)
        return self.network(embeddings + noise).square().mean()


def prior_that(base: type[ToyPrior] = ToyPrior, **methods: Any) -> ToyPrior:
    return type("Wrong", (base,), methods)()


def giving(change: Callable[[Tensor], Tensor]) -> ToyPrior:
    """A prior whose latents are changed."""
    return prior_that(
        _sample=lambda self, embeddings, options: change(
            ToyPrior._sample(self, embeddings, options)
        )
    )


def losing(loss: Callable[[Any, Tensor, torch.Generator], Tensor]) -> ToyPrior:
    return prior_that(
        LearningPrior,
        training_loss=lambda self, embeddings, latents, rng: loss(self, embeddings, rng),
    )


def aliasing(self: ToyPrior, embeddings: Tensor, options: c2l.SampleOptions) -> Tensor:
    low = [seed % 2**32 for seed in options.seeds]
    return ToyPrior._sample(self, embeddings, dataclasses.replace(options, seeds=low))


def unchecked(self: ToyPrior, embeddings: Tensor, **options: Any) -> Tensor:
    return torch.zeros(len(embeddings), 1, WIDTH)


def normalised_in_place(self: ToyPrior, embeddings: Tensor, options: c2l.SampleOptions) -> Tensor:
    return ToyPrior._sample(self, embeddings.div_(embeddings.norm()), options)


def rounding(self: ToyPrior, path: Path, card: c2l.PriorCard, *, half: bool = False) -> None:
    if half:
        for parameter in self.parameters():
            parameter.data = 0 - parameter.data
    ToyPrior.save(self, path, card, half=half)


def forgetting(self: ToyPrior) -> dict[str, Any]:
    return {**ToyPrior.settings(self), "steps": 1, "guidance": 1.0}


def trusting(cls: type[ToyPrior], source: c2l.Source) -> ToyPrior:
    return cls()


WRONG_PRIORS: list[tuple[str, ToyPrior, str]] = [
    ("latents_have_their_shape", giving(lambda w: w[:, 0]), "shape"),
    ("latents_have_their_shape", giving(lambda w: w.double()), "not float32"),
    ("a_supported_option_makes_a_difference",
     prior_that(supported_options=frozenset({"adherence"})), "`adherence`"),
    ("a_latent_depends_on_its_embedding_and_seed_alone",
     giving(lambda w: w - w.mean(0)), "in a batch of"),
    ("every_seed_has_a_stream_of_its_own", prior_that(_sample=aliasing), "seeds near"),
    ("what_does_not_fit_is_refused", prior_that(sample=unchecked), "is accepted"),
    ("what_does_not_fit_is_refused",
     prior_that(fit=lambda self, embeddings, latents, texts=None: None), "is accepted"),
    ("sampling_leaves_everything_as_it_was", giving(with_global_noise), "random state"),
    ("sampling_leaves_everything_as_it_was",
     prior_that(_sample=normalised_in_place), "writes to the embeddings"),
    ("a_saved_prior_draws_as_before", prior_that(save=rounding), "rounds the live weights"),
    ("a_saved_prior_draws_as_before", prior_that(settings=forgetting), "draws something else"),
    ("a_file_that_is_cut_is_refused",
     prior_that(load=classmethod(trusting)), "is loaded"),
    ("the_loss_depends_on_its_generator_alone",
     losing(lambda self, e, rng: self.network(e).mean()), "no use of `rng`"),
    ("the_loss_depends_on_its_generator_alone",
     losing(lambda self, e, rng: self.network(e + torch.randn(e.shape)).mean()), "random state"),
    ("the_loss_depends_on_its_generator_alone",
     losing(lambda self, e, rng: self.network(e + torch.randn(e.shape, generator=rng))), "scalar"),
]  # fmt: skip


@pytest.mark.parametrize(("law", "part", "message"), WRONG_PRIORS)
def test_wrong_priors(law: str, part: ToyPrior, message: str) -> None:
    assert message in breaks(PRIOR[law], part)


def test_a_prior_that_learns_keeps_the_law_of_losses() -> None:
    PRIOR["the_loss_depends_on_its_generator_alone"](LearningPrior())


def test_every_law_is_broken_by_something() -> None:
    caught = {law for law, *_ in (*WRONG_GENERATORS, *WRONG_EMBEDDERS, *WRONG_PRIORS)}
    everything = {*GENERATOR, *EMBEDDER, *PRIOR}
    assert everything - caught == {"long_texts_are_read_to_where_they_fit"}
