"""Generators that break one law each. Those of the toy world keep all of them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mutant import breaks
from safetensors.torch import load_file, save_file
from told_toy import Told
from torch import Tensor, nn

import c2l
from c2l.errors import BadInput
from c2l.testing import ToyGenerator
from c2l.testing.toy_world import SIZES


class Draws(ToyGenerator):
    """Draws as the toy does, and changes the pictures."""

    def synthesize(self, latents: Tensor, **options: Any) -> Tensor:
        return self.change(super().synthesize(latents, **options))

    def change(self, images: Tensor) -> Tensor:
        return images


class Samples(ToyGenerator):
    """Samples as the toy does, and changes the latents."""

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        return self.change(super().sample_latents(seeds))

    def change(self, latents: Tensor) -> Tensor:
        return latents


def space_of(generator: ToyGenerator, **changes: Any) -> c2l.LatentSpace:
    space = ToyGenerator.latent_space.fget(generator)  # type: ignore[attr-defined]
    return c2l.LatentSpace(**{**vars(space), **changes})


# -- the process


@breaks("using_it_does_not_end_the_process")
class Dies(Draws):
    def change(self, images: Tensor) -> Tensor:
        os._exit(0)


@breaks("it_can_be_loaded")
class CannotBeMade(ToyGenerator):
    def __init__(self) -> None:
        super().__init__()
        raise OSError("no weights")


@breaks("it_is_loaded_to_be_used")
def in_training_mode() -> c2l.Generator:
    class Training(ToyGenerator):
        def __init__(self) -> None:
            super().__init__()
            self.noise = nn.Dropout(0.0)

    return Training()


@breaks("it_is_loaded_to_be_used")
def asking_for_gradients() -> c2l.Generator:
    generator = ToyGenerator()
    generator.weight = nn.Parameter(torch.ones(1))
    return generator.eval()


# -- what it says of itself


@breaks("settings_can_be_stored")
class TensorSettings(ToyGenerator):
    def settings(self) -> Mapping[str, Any]:
        return {"scale": torch.ones(2)}


@breaks("settings_can_be_stored")
class NanSettings(ToyGenerator):
    def settings(self) -> Mapping[str, Any]:
        return {"scale": float("nan")}


@breaks("latent_space_and_image_size_are_well_formed")
class NoMean(ToyGenerator):
    @property
    def latent_space(self) -> c2l.LatentSpace:
        return space_of(self, mean=None)


@breaks("latent_space_and_image_size_are_well_formed")
class TwoRepeats(ToyGenerator):
    @property
    def latent_space(self) -> c2l.LatentSpace:
        return space_of(self, repeats=(2, 3))


@breaks("latent_space_and_image_size_are_well_formed")
class OneNumber(ToyGenerator):
    image_size = 8  # type: ignore[assignment]


# -- latents


@breaks("latents_have_their_shape")
class Flat(Samples):
    def change(self, latents: Tensor) -> Tensor:
        return latents[:, 0]


@breaks("latents_have_their_shape")
class DoubleLatents(Samples):
    def change(self, latents: Tensor) -> Tensor:
        return latents.double()


@breaks("latents_have_their_shape")
class NanLatents(Samples):
    def change(self, latents: Tensor) -> Tensor:
        return latents / 0


@breaks("latents_have_their_shape")
class OneLatent(ToyGenerator):
    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        return super().sample_latents(seeds[:1])


@breaks("sampling_leaves_the_process_alone")
class Reseeds(Samples):
    def change(self, latents: Tensor) -> Tensor:
        torch.manual_seed(0)
        return latents


@breaks("a_latent_depends_on_its_seed_alone")
class SeedsByBatch(ToyGenerator):
    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        first = next(iter(seeds))
        return super().sample_latents([first] if len(seeds) == 1 else [s + first for s in seeds])


@breaks("every_seed_has_a_latent_of_its_own")
class ThirtyTwoBits(ToyGenerator):
    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        return super().sample_latents([s % 2**32 if 0 <= s < 2**64 else s for s in seeds])


@breaks("every_seed_has_a_latent_of_its_own")
class OneSeed(ToyGenerator):
    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        super().sample_latents(seeds)
        return super().sample_latents([0] * len(seeds))


@breaks("what_is_no_seed_is_refused")
class AnySeed(ToyGenerator):
    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        return super().sample_latents([seed % 2**64 for seed in seeds])


@breaks("latents_have_the_mean_of_their_space")
class MeanElsewhere(ToyGenerator):
    @property
    def latent_space(self) -> c2l.LatentSpace:
        space = super().latent_space
        return space_of(self, mean=space.mean + space.std)


@breaks("latents_have_the_deviation_of_their_space")
class TwiceTheDeviation(ToyGenerator):
    @property
    def latent_space(self) -> c2l.LatentSpace:
        return space_of(self, std=2 * super().latent_space.std)


# -- pictures


@breaks("pictures_have_their_shape")
class Grey(Draws):
    def change(self, images: Tensor) -> Tensor:
        return images[:, :1]


@breaks("pictures_have_their_shape")
class Bytes(Draws):
    def change(self, images: Tensor) -> Tensor:
        return ((images + 1) * 127.5).byte()


@breaks("pictures_have_their_shape")
class HalfPictures(Draws):
    def change(self, images: Tensor) -> Tensor:
        return images.half()


@breaks("pictures_have_their_shape")
class OneNan(Draws):
    def change(self, images: Tensor) -> Tensor:
        return images.index_fill(3, torch.tensor([0]), torch.nan)


@breaks("pictures_have_their_shape")
class Listed(Draws):
    def change(self, images: Tensor) -> Any:
        return list(images)


@breaks("pictures_have_their_shape")
class OnePictureOnly(ToyGenerator):
    def synthesize(self, latents: Tensor, **options: Any) -> Tensor:
        return super().synthesize(latents[:1], **options)


@breaks("pictures_have_their_shape")
class AnotherSize(ToyGenerator):
    @property
    def image_size(self) -> tuple[int, int]:
        return 16, 8


@breaks("drawing_takes_its_options")
class NoKeywords(ToyGenerator):
    def synthesize(self, latents: Tensor) -> Tensor:  # type: ignore[override]
        return super().synthesize(latents)


@breaks("pictures_are_around_zero")
class FromZero(Draws):
    def change(self, images: Tensor) -> Tensor:
        return (images + 1) / 2


@breaks("pictures_are_around_zero")
class UpTo255(Draws):
    def change(self, images: Tensor) -> Tensor:
        return (images + 1) * 127.5


@breaks("each_latent_has_a_picture_of_its_own")
class OnePicture(ToyGenerator):
    def synthesize(self, latents: Tensor, **options: Any) -> Tensor:
        return super().synthesize(torch.ones_like(latents), **options)


@breaks("drawing_leaves_the_process_alone")
class GlobalNoise(Draws):
    def change(self, images: Tensor) -> Tensor:
        return images + 0.1 * torch.rand_like(images)


@breaks("drawing_leaves_the_process_alone")
class NumpysNoise(Draws):
    def change(self, images: Tensor) -> Tensor:
        return images + 0.1 * np.random.rand()


@breaks("drawing_leaves_the_process_alone")
class NoGradientsFromNowOn(Draws):
    def change(self, images: Tensor) -> Tensor:
        torch.set_grad_enabled(False)
        return images


@breaks("drawing_leaves_the_process_alone")
class TakesThreads(Draws):
    def change(self, images: Tensor) -> Tensor:
        torch.set_num_threads(torch.get_num_threads() + 1)
        return images


@breaks("drawing_leaves_its_latents_alone")
class Writes(ToyGenerator):
    def synthesize(self, latents: Tensor, **options: Any) -> Tensor:
        return super().synthesize(latents.mul_(0.5), **options)


@breaks("drawing_again_gives_the_same_picture")
class Counts(Draws):
    calls = 0

    def change(self, images: Tensor) -> Tensor:
        self.calls += 1
        return images * (1 - 0.1 * (self.calls % 2))


@breaks("a_picture_is_the_same_in_any_batch")
class OverBatch(Draws):
    def change(self, images: Tensor) -> Tensor:
        return 0.5 * (images - images.mean())


@breaks("truncation_pulls_latents_to_their_mean")
class NoTruncation(ToyGenerator):
    def synthesize(self, latents: Tensor, *, truncation: float = 1.0, **options: Any) -> Tensor:
        return super().synthesize(latents, **options)


@breaks("truncation_pulls_latents_to_their_mean")
class TruncatesToZero(ToyGenerator):
    def synthesize(self, latents: Tensor, *, truncation: float = 1.0, **options: Any) -> Tensor:
        return super().synthesize(latents * truncation, **options)


@breaks("codes_are_spread_over_the_layers")
class TurnsRepeats(ToyGenerator):
    def synthesize(self, latents: Tensor, *, repeats: Any = None, **options: Any) -> Tensor:
        return super().synthesize(latents, repeats=repeats and repeats[::-1], **options)


@breaks("latents_repeat_as_their_space_says")
class TwoCodes(ToyGenerator):
    """Two codes for two and three layers; it says three and two."""

    @property
    def latent_space(self) -> c2l.LatentSpace:
        space = super().latent_space
        mean, std = torch.cat([space.mean, 1 - space.mean]), space.std.repeat(2, 1)
        return space_of(self, num_codes=2, repeats=(3, 2), mean=mean, std=std)

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        one = super().sample_latents(seeds)
        return torch.cat([one, 1 - one], dim=1)

    def synthesize(
        self, latents: Tensor, *, truncation: float = 1.0, repeats: Any = None
    ) -> Tensor:
        space = self.latent_space
        if repeats is None and latents.shape[1:2] == (2,):
            repeats = (2, 3)
        layers = space.expand(latents, repeats)
        mean = space.expand(space.mean[None], (2, 3))
        return _draw_layers(self, torch.lerp(mean, layers, truncation))


def _draw_layers(generator: ToyGenerator, layers: Tensor) -> Tensor:
    pieces = layers.split(SIZES, dim=2)
    read = torch.cat([piece[:, layer] for layer, piece in enumerate(pieces)], dim=1)
    return torch.tanh(torch.relu(read @ generator.first.T) @ generator.second.T).view(-1, 3, 8, 8)


@breaks("latents_of_another_generator_are_refused")
class TakesAny(ToyGenerator):
    def synthesize(self, latents: Tensor, **options: Any) -> Tensor:
        try:
            return super().synthesize(latents, **options)
        except BadInput:
            return torch.zeros(len(latents), 3, 8, 8)


@breaks("gradients_reach_the_latents")
class Detached(Draws):
    def change(self, images: Tensor) -> Tensor:
        return images.detach()


@breaks("gradients_reach_the_latents")
class Rounded(Draws):
    def change(self, images: Tensor) -> Tensor:
        return (images * 4).round() / 4


# -- fingerprint and state


@breaks("the_fingerprint_follows_the_state")
class OneFingerprint(ToyGenerator):
    def fingerprint(self) -> str:
        return "0" * 64


@breaks("the_fingerprint_follows_the_state")
class ForgetsABuffer(ToyGenerator):
    def fingerprint(self) -> str:
        return f"{hash(tuple(self.first.flatten().tolist())) % 2**64:064x}"


@breaks("the_fingerprint_follows_the_state")
class ShortFingerprint(ToyGenerator):
    def fingerprint(self) -> str:
        return super().fingerprint()[:12]


_NUMBERS = itertools.count()


@breaks("made_again_it_is_the_same")
class AnotherEachTime(ToyGenerator):
    def __init__(self) -> None:
        super().__init__(salt=next(_NUMBERS))


@breaks("another_process_gets_the_same_answers")
class HashesText(Draws):
    def change(self, images: Tensor) -> Tensor:
        return images * (0.5 + hash("text") % 1000 / 2000)


@breaks("another_process_gets_the_same_answers")
class Personal(Draws):
    def change(self, images: Tensor) -> Tensor:
        return images * (0.5 + os.getpid() % 1000 / 2000)


@breaks("the_number_of_threads_does_not_matter")
class CountsThreads(Draws):
    def change(self, images: Tensor) -> Tensor:
        return images / (1 + torch.get_num_threads())


@breaks("all_numbers_lie_in_the_state")
class Hidden(Draws):
    def __init__(self) -> None:
        super().__init__()
        self.gains = {"last": [torch.full((3, 1, 1), 0.7)]}

    def change(self, images: Tensor) -> Tensor:
        return images * self.gains["last"][0]


@breaks("all_numbers_lie_in_the_state")
class HiddenArray(Draws):
    def __init__(self) -> None:
        super().__init__()
        self.gains = np.full((3, 1, 1), 0.7, dtype=np.float32)

    def change(self, images: Tensor) -> Tensor:
        return images * torch.from_numpy(self.gains)


_NETWORK = ToyGenerator()


@breaks("the_state_decides_the_answers")
class UsesAnother(ToyGenerator):
    def synthesize(self, latents: Tensor, **options: Any) -> Tensor:
        return _NETWORK.synthesize(latents, **options)


@breaks("the_state_decides_the_answers")
class Remembers(ToyGenerator):
    """Folds its weights once."""

    def synthesize(self, latents: Tensor, **options: Any) -> Tensor:
        if "folded" not in vars(self):
            self.folded = [self.first.clone()]
        self.first, kept = self.folded[0], self.first
        try:
            return super().synthesize(latents, **options)
        finally:
            self.first = kept


class Saves(ToyGenerator):
    def save(self, path: Path, *, half: bool = False) -> None:
        save_file(self.stored(), path)

    def stored(self) -> dict[str, Tensor]:
        return self.state_dict()

    @classmethod
    def load(cls, source: c2l.Source) -> Saves:
        assert source.path is not None
        generator = cls()
        generator.load_state_dict(load_file(source.path))
        return generator.eval()


@breaks("a_saved_one_draws_as_before")
class SavesRounded(Saves):
    def stored(self) -> dict[str, Tensor]:
        return {name: tensor.half().float() for name, tensor in self.state_dict().items()}


# -- classes


@breaks("seeds_draw_classes")
class AlwaysTheFirst(Told):
    def sample_class_latents(self, seeds: Sequence[int], classes: Sequence[int]) -> Tensor:
        return super().sample_class_latents(seeds, [0 for _ in classes])


@breaks("a_class_latent_depends_on_its_row_alone")
class TakesTheFirst(Told):
    def sample_class_latents(self, seeds: Sequence[int], classes: Sequence[int]) -> Tensor:
        assert self.classes is not None
        drawn = list(classes) == self.classes.draw(seeds)
        return super().sample_class_latents(seeds, classes if drawn else classes[:1] * len(seeds))


@breaks("another_class_is_another_latent")
class DoesNotListen(Told):
    def __init__(self) -> None:
        super().__init__()
        self.offsets.fill_(0.1)


@breaks("what_is_no_class_is_refused")
class WrapsAround(Told):
    def sample_class_latents(self, seeds: Sequence[int], classes: Sequence[int]) -> Tensor:
        return super().sample_class_latents(seeds, [number % 4 for number in classes])


@breaks("latents_can_be_brought_into_a_class")
class StaysWhereItIs(Told):
    def in_classes(self, latents: Tensor, classes: Sequence[int]) -> Tensor:
        return latents


@breaks("latents_of_a_class_stay")
class GoesToTheMean(Told):
    def in_classes(self, latents: Tensor, classes: Sequence[int]) -> Tensor:
        return self.sample_class_latents([0] * len(latents), classes)
