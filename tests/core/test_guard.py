"""Parts of other people that break a promise: each is named, with its method, before it does harm.

The parts of the toy world keep all promises; every class here breaks one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import c2l
from c2l import SampleOptions
from c2l.errors import BadInput, BadWeights, ExitCode, PluginFailed, UnknownReference
from c2l.guard import watch
from c2l.pairs import Pairs
from c2l.plugins import registry
from c2l.resolving import find_part
from c2l.testing import (
    ToyEmbedder,
    ToyGenerator,
    ToyPrior,
    install_package,
    on_path,
)
from c2l.testing.toys import EMBEDDING_WIDTH

# -- generators


class Fair(ToyGenerator):
    """Breaks nothing."""


class FromZero(ToyGenerator):
    def synthesize(self, latents: Tensor, **keywords: Any) -> Tensor:
        return (super().synthesize(latents, **keywords) + 1) / 2


class Bytes(ToyGenerator):
    def synthesize(self, latents: Tensor, **keywords: Any) -> Tensor:
        return ((super().synthesize(latents, **keywords) + 1) * 127.5).byte()


class UpTo255(ToyGenerator):
    def synthesize(self, latents: Tensor, **keywords: Any) -> Tensor:
        return (super().synthesize(latents, **keywords) + 1) * 127.5


class Half(ToyGenerator):
    def synthesize(self, latents: Tensor, **keywords: Any) -> Tensor:
        return super().synthesize(latents, **keywords).half()


class Grey(ToyGenerator):
    def synthesize(self, latents: Tensor, **keywords: Any) -> Tensor:
        return super().synthesize(latents, **keywords)[:, :1]


class OneOnly(ToyGenerator):
    def synthesize(self, latents: Tensor, **keywords: Any) -> Tensor:
        return super().synthesize(latents[:1], **keywords)


class Listed(ToyGenerator):
    def synthesize(self, latents: Tensor, **keywords: Any) -> Any:
        return super().synthesize(latents, **keywords).tolist()


class Dark(ToyGenerator):
    def synthesize(self, latents: Tensor, **keywords: Any) -> Tensor:
        return super().synthesize(latents, **keywords) * torch.nan


class Writes(ToyGenerator):
    def synthesize(self, latents: Tensor, **keywords: Any) -> Tensor:
        latents *= 1.5
        return super().synthesize(latents, **keywords)


class WritesIfTruncated(ToyGenerator):
    def synthesize(self, latents: Tensor, *, truncation: float = 1.0, **keywords: Any) -> Tensor:
        return super().synthesize(latents.mul_(truncation), **keywords)


class Noisy(ToyGenerator):
    def synthesize(self, latents: Tensor, **keywords: Any) -> Tensor:
        images = super().synthesize(latents, **keywords)
        return images + 0.2 * torch.randn_like(images)


class OverBatch(ToyGenerator):
    def synthesize(self, latents: Tensor, **keywords: Any) -> Tensor:
        images = super().synthesize(latents, **keywords)
        return images - images.mean(0)


class OnePicture(ToyGenerator):
    def synthesize(self, latents: Tensor, **keywords: Any) -> Tensor:
        return super().synthesize(torch.ones_like(latents), **keywords)


class NoKeywords(ToyGenerator):
    def synthesize(self, latents: Tensor) -> Tensor:  # type: ignore[override]
        return super().synthesize(latents)


class Raises(ToyGenerator):
    def synthesize(self, latents: Tensor, **keywords: Any) -> Tensor:
        raise RuntimeError("boom\nsecond line")


class Exits(ToyGenerator):
    def synthesize(self, latents: Tensor, **keywords: Any) -> Tensor:
        raise SystemExit(0)


class EndsTheProcess(ToyGenerator):
    def synthesize(self, latents: Tensor, **keywords: Any) -> Tensor:
        os._exit(3)


class Hidden(ToyGenerator):
    def __init__(self) -> None:
        super().__init__()
        self.gains = {"last": [torch.full((3, 1, 1), 0.7)]}

    def synthesize(self, latents: Tensor, **keywords: Any) -> Tensor:
        return super().synthesize(latents, **keywords) * self.gains["last"][0]


class AnotherSize(ToyGenerator):
    @property
    def image_size(self) -> tuple[int, int]:
        return 16, 16


class NoSize(ToyGenerator):
    image_size = 8  # type: ignore[assignment]


class NoMean(ToyGenerator):
    @property
    def latent_space(self) -> c2l.LatentSpace:
        space = super().latent_space
        return c2l.LatentSpace(space.num_codes, space.width, space.repeats, None, space.std)  # type: ignore[arg-type]


class Attribute(ToyGenerator):
    @property
    def latent_space(self) -> c2l.LatentSpace:
        return self.no_such_thing  # type: ignore[return-value]


class TwoRepeats(ToyGenerator):
    @property
    def latent_space(self) -> c2l.LatentSpace:
        space = super().latent_space
        return c2l.LatentSpace(space.num_codes, space.width, (2, 3), space.mean, space.std)


class Flat(ToyGenerator):
    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        return super().sample_latents(seeds)[:, 0]


class Unseeded(ToyGenerator):
    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        return torch.rand(len(seeds), 1, self.latent_space.width)


class OneSeed(ToyGenerator):
    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        return super().sample_latents([0] * len(seeds))


class FirstSeed(ToyGenerator):
    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        return super().sample_latents(range(seeds[0] * 7, seeds[0] * 7 + len(seeds)))


class TensorSettings(ToyGenerator):
    def settings(self) -> dict[str, Any]:
        return {"scale": torch.ones(2)}


GENERATORS: list[tuple[type[ToyGenerator], str]] = [
    (FromZero, "synthesize gives pixels from 0"),
    (Bytes, "synthesize gives uint8, not float32"),
    (UpTo255, "synthesize gives pixels from 0.* to 25"),
    (Half, "synthesize gives float16, not float32"),
    (Grey, r"synthesize gives a tensor of shape \(3, 1, 8, 8\), not \(3, 3, 8, 8\)"),
    (OneOnly, r"synthesize gives a tensor of shape \(1, 3, 8, 8\), not \(3, 3, 8, 8\)"),
    (Listed, "synthesize gives a list, not a tensor"),
    (Dark, "synthesize gives NaN or infinity"),
    (Writes, "synthesize writes to the tensor that it is given"),
    (WritesIfTruncated, "synthesize writes to the latents that it is given"),
    (Noisy, "synthesize draws other pictures of the same latents"),
    (OverBatch, "synthesize draws another picture of the same latent in another batch"),
    (OnePicture, "synthesize draws one picture of all latents"),
    (NoKeywords, "synthesize fails: TypeError: .*unexpected keyword argument"),
    (Raises, "synthesize fails: RuntimeError: boom$"),
    (Exits, "synthesize fails: SystemExit: 0"),
    (EndsTheProcess, r"synthesize fails: SystemExit: os._exit\(3\)"),
    (Hidden, "synthesize depends on 'gains', which is neither a parameter nor a buffer"),
    (AnotherSize, r"synthesize gives a tensor of shape \(3, 3, 8, 8\), not \(3, 3, 16, 16\)"),
    (NoSize, "image_size is 8, not a height and a width"),
    (NoMean, "latent_space has as its mean None, not a tensor"),
    (Attribute, "latent_space fails: AttributeError: .*no_such_thing"),
    (TwoRepeats, r"latent_space has repeats \(2, 3\), not one positive number for each of 1 codes"),
    (Flat, r"sample_latents gives a tensor of shape \(3, \d+\), not \(3, 1, \d+\)"),
    (Unseeded, "sample_latents gives other latents when it is asked again"),
    (OneSeed, "sample_latents gives every seed the same latent"),
    (FirstSeed, "sample_latents gives a seed another latent in another batch"),
    (TensorSettings, "settings gives what JSON cannot hold"),
]

# -- embedders


class Rank3(ToyEmbedder):
    def embed_images(self, images: Tensor) -> Tensor:
        return super().embed_images(images)[:, None]


class Narrow(ToyEmbedder):
    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        return super().embed_text(prompts)[:, 1:]


class ZeroText(ToyEmbedder):
    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        return torch.zeros(len(prompts), EMBEDDING_WIDTH)


class NanText(ToyEmbedder):
    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        return super().embed_text(prompts) / 0 * 0


class HalfImages(ToyEmbedder):
    def embed_images(self, images: Tensor) -> Tensor:
        return super().embed_images(images).half()


class ListOfRows(ToyEmbedder):
    def embed_text(self, prompts: Sequence[str]) -> Any:
        return list(super().embed_text(prompts))


class Random(ToyEmbedder):
    def embed_images(self, images: Tensor) -> Tensor:
        seen = super().embed_images(images)
        return seen + torch.rand_like(seen)


class Centred(ToyEmbedder):
    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        texts = super().embed_text(prompts)
        return texts - 0.5 * texts.mean(0)


class Blind(ToyEmbedder):
    def embed_images(self, images: Tensor) -> Tensor:
        return torch.ones(len(images), EMBEDDING_WIDTH)


class NoWidth(ToyEmbedder):
    @property
    def width(self) -> int:
        return None  # type: ignore[return-value]


class Clamps(ToyEmbedder):
    def embed_images(self, images: Tensor) -> Tensor:
        images.clamp_(-0.5, 0.5)
        return super().embed_images(images)


class ClampsOvershoot(ToyEmbedder):
    def embed_images(self, images: Tensor) -> Tensor:
        return super().embed_images(images.clamp_(-1, 1))


class HiddenWords(ToyEmbedder):
    def __init__(self) -> None:
        super().__init__()
        self.table = torch.rand(EMBEDDING_WIDTH)

    def embed_text(self, prompts: Sequence[str]) -> Tensor:
        return super().embed_text(prompts) + self.table


EMBEDDERS: list[tuple[type[ToyEmbedder], str]] = [
    (Rank3, r"embed_images gives a tensor of shape \(3, 1, 48\), not \(3, 48\)"),
    (Narrow, r"embed_text gives a tensor of shape \(3, 47\), not \(3, 48\)"),
    (ZeroText, "embed_text gives an embedding of zeros in row 0"),
    (NanText, "embed_text gives NaN or infinity"),
    (HalfImages, "embed_images gives float16, not float32"),
    (ListOfRows, "embed_text gives a list, not a tensor"),
    (Random, "embed_images gives other numbers when it is asked again"),
    (Centred, "embed_text gives a row other numbers in another batch"),
    (Blind, "embed_images gives all pictures the same embedding"),
    (NoWidth, "width is None, not the width of an embedding"),
    (Clamps, "embed_images writes to the tensor that it is given"),
    (ClampsOvershoot, "embed_images writes to the tensor that it is given"),
    (HiddenWords, "embed_text depends on 'table'"),
]

# -- priors, which a package brings, since training takes a kind

PRIORS = '''
import torch, c2l
from torch import nn

class Fair(c2l.Prior):
    """Breaks nothing."""

    def __init__(self, **settings):
        super().__init__(**settings)
        c = self.config
        self.shape = (c.num_codes, c.latent_width)
        self.line = nn.Linear(c.embedding_width, c.num_codes * c.latent_width)

    def fit(self, embeddings, latents, texts=None):
        pass

    def training_loss(self, embeddings, latents, rng):
        return (self.line(embeddings).unflatten(1, self.shape) - latents).square().mean()

    def _sample(self, embeddings, options):
        noise = c2l.draw_normal(options.seeds, self.shape[0] * self.shape[1])
        return (self.line(embeddings) + 0.1 * noise).unflatten(1, self.shape)

class VectorLoss(Fair):
    def training_loss(self, embeddings, latents, rng):
        return (self.line(embeddings).unflatten(1, self.shape) - latents).square().mean((1, 2))

class NanLoss(Fair):
    def training_loss(self, embeddings, latents, rng):
        return super().training_loss(embeddings, latents, rng) * float("nan")

class NoGradient(Fair):
    def training_loss(self, embeddings, latents, rng):
        return super().training_loss(embeddings, latents, rng).detach()

class FloatLoss(Fair):
    def training_loss(self, embeddings, latents, rng):
        return 0.5

class NoLoss(Fair):
    training_loss = c2l.Prior.training_loss

class FitRaises(Fair):
    def fit(self, embeddings, latents, texts=None):
        raise ZeroDivisionError("division by zero")

class OneRow(Fair):
    def _sample(self, embeddings, options):
        return super()._sample(embeddings, options)[:1]

class FlatLatents(Fair):
    def _sample(self, embeddings, options):
        return super()._sample(embeddings, options).flatten(1)

class HalfLatents(Fair):
    def _sample(self, embeddings, options):
        return super()._sample(embeddings, options).half()

class NanLatents(Fair):
    def _sample(self, embeddings, options):
        return super()._sample(embeddings, options) * float("inf")

class IgnoresSeeds(Fair):
    def _sample(self, embeddings, options):
        return self.line(embeddings).unflatten(1, self.shape) + torch.randn(self.shape)

class OverBatch(Fair):
    def _sample(self, embeddings, options):
        latents = super()._sample(embeddings, options)
        return latents - latents.mean(0)

class OneSeedForAll(Fair):
    def _sample(self, embeddings, options):
        return self.line(embeddings).unflatten(1, self.shape)

class OneLatentForAll(Fair):
    def _sample(self, embeddings, options):
        return super()._sample(0 * embeddings, options)

class ForgetsItself(Fair):
    trains_by_gradient = False

    def fit(self, embeddings, latents, texts=None):
        self.mean = latents.mean(0)

    def _sample(self, embeddings, options):
        mean = getattr(self, "mean", torch.zeros(self.shape))
        return super()._sample(embeddings, options) + 5 * mean

class NeedsMore(Fair):
    def __init__(self, depth, **settings):
        super().__init__(**settings)

class NoBase(Fair):
    def __init__(self, **settings):
        nn.Module.__init__(self)

class NoWeights(Fair):
    def __init__(self, **settings):
        c2l.Prior.__init__(self, **settings)

class BadSuggestions(Fair):
    @classmethod
    def suggest_settings(cls, num_pairs, **widths):
        return None

class NotAPrior:
    pass
'''

TRAINED: list[tuple[str, str]] = [
    ("VectorLoss", r"training_loss gives a loss of shape \(\d+,\), not a scalar"),
    ("NanLoss", "training_loss gives a loss of nan"),
    ("NoGradient", "training_loss gives a loss without a gradient"),
    ("FloatLoss", "training_loss gives a float, not a tensor"),
    ("NoLoss", "training_loss fails: NotImplementedError"),
    ("FitRaises", "fit fails: ZeroDivisionError: division by zero"),
    ("OneRow", r"_sample gives a tensor of shape \(1, 1, 22\), not \(\d+, 1, 22\)"),
    ("FlatLatents", r"_sample gives a tensor of shape \(\d+, 22\), not \(\d+, 1, 22\)"),
    ("HalfLatents", "_sample gives float16, not float32"),
    ("NanLatents", "_sample gives NaN or infinity"),
    ("IgnoresSeeds", "_sample gives other latents when it is asked again"),
    ("OverBatch", "_sample gives a row another latent in another batch"),
    ("OneSeedForAll", "_sample never looks at its seeds"),
    ("OneLatentForAll", "_sample gives every embedding the same latent"),
    ("ForgetsItself", "load gives a prior that samples other latents"),
    ("NeedsMore", "__init__ fails: TypeError: .*'depth'"),
    ("NoBase", "__init__ fails: AttributeError: .*config"),
    ("NoWeights", "__init__ fails: ValueError: optimizer got an empty parameter list"),
    ("BadSuggestions", "suggest_settings does not give a table"),
    ("NotAPrior", "the class of its kind notaprior is not a c2l.Prior"),
]


def check_named(error: PluginFailed, name: str, says: str) -> None:
    """The error is one line that names the class, and ends with exit code 7."""
    assert error.exit_code == ExitCode.MISSING_DEPENDENCY == 7
    assert name in error.message and re.search(says, error.message), error.message
    assert "\n" not in str(error) and error.hint


@pytest.mark.parametrize(("cls", "says"), GENERATORS, ids=[c.__name__ for c, _ in GENERATORS])
def test_a_generator(tmp_path: Path, cls: type[ToyGenerator], says: str) -> None:
    with pytest.raises(PluginFailed) as caught:
        c2l.build_pairs(cls(), ToyEmbedder(), 20, tmp_path)
    check_named(caught.value, cls.__name__, says)


@pytest.mark.parametrize(("cls", "says"), EMBEDDERS, ids=[c.__name__ for c, _ in EMBEDDERS])
def test_an_embedder(tmp_path: Path, cls: type[ToyEmbedder], says: str) -> None:
    with pytest.raises(PluginFailed) as caught:
        c2l.build_pairs(ToyGenerator(), cls(), 20, tmp_path)
    check_named(caught.value, cls.__name__, says)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Pairs:
    return c2l.build_pairs(ToyGenerator(), ToyEmbedder(), 64, tmp_path_factory.mktemp("pairs"))


@pytest.fixture(scope="module")
def priors(tmp_path_factory: pytest.TempPathFactory) -> Any:
    names = ["Fair", *(name for name, _ in TRAINED)]
    kinds = "\n".join(
        f"    register(c2l.KindSpec({n.lower()!r}, 'prior', 'their_priors:{n}', 'A'))"
        for n in names
    )
    source = f"import c2l\n@c2l.hookimpl\ndef c2l_register_kinds(register):\n{kinds}\n"
    folder = tmp_path_factory.mktemp("site")
    install_package(folder, "their", {"strange": source}, files={"their_priors.py": PRIORS})
    registry.cache_clear()
    with on_path(folder):
        yield folder
    registry.cache_clear()


OPTIONS: dict[str, Any] = {"steps": 20, "student": False, "device": "cpu"}


@pytest.mark.parametrize(("name", "says"), TRAINED, ids=[name for name, _ in TRAINED])
def test_a_prior(tmp_path: Path, pairs: Pairs, priors: Path, name: str, says: str) -> None:
    with pytest.raises(PluginFailed) as caught:
        c2l.train_prior(name.lower(), pairs, tmp_path / "p.safetensors", **OPTIONS)
    check_named(caught.value, "plugin 'strange' (their 1.0)", says)
    assert not (tmp_path / "p.safetensors").exists()


def test_options_that_do_not_exist_are_refused_with_the_class() -> None:
    with pytest.raises(
        TypeError, match=r"Wrong.supported_options has 'strength', which is not one"
    ):

        class Wrong(ToyPrior):
            supported_options = frozenset({"strength"})

    class Listed(ToyPrior):
        supported_options = ("steps",)  # type: ignore[assignment]

    assert Listed.supported_options == {"steps"}


def test_fair_parts_pass(tmp_path: Path, pairs: Pairs, priors: Path) -> None:
    class Seeing(ToyEmbedder):
        pass

    made = c2l.build_pairs(Fair(), Seeing(), 20, str(tmp_path / "pairs"))
    assert len(made) == 20
    out = tmp_path / "fair.safetensors"
    c2l.train_prior("fair", pairs, out, **OPTIONS)
    assert c2l.load_prior(str(out)).sample(made.embeddings[:2], seeds=[0, 1]).shape == (2, 1, 22)


def test_answers_are_where_the_part_or_its_argument_is() -> None:
    """As on a GPU, with "meta" in its place."""

    class Elsewhere(ToyEmbedder):
        def embed_images(self, images: Tensor) -> Tensor:
            return torch.ones(len(images), EMBEDDING_WIDTH, device="meta")

    with pytest.raises(PluginFailed, match="a tensor on meta, while the part is on cpu"):
        watch(Elsewhere()).embed_images(torch.zeros(2, 3, 8, 8))


def test_a_plugin_that_fails_to_recognise_a_file_keeps_nobody_from_it(tmp_path: Path) -> None:
    class Fails(ToyGenerator):
        @classmethod
        def recognises(cls, path: Path) -> bool:
            raise RuntimeError("no idea")

    class Knows(ToyGenerator):
        @classmethod
        def recognises(cls, path: Path) -> bool:
            return True

    file = tmp_path / "a.bin"
    file.write_bytes(b"0123")
    kinds = {n: c2l.KindSpec(n, "generator", f"m:{n}", "s") for n in ("fails", "knows")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry(), "kinds", lambda interface: kinds)
        patch.setattr(registry(), "factory", lambda s: Fails if s.kind == "fails" else Knows)
        spec, _ = find_part(str(file), "generator")
        assert spec.kind == "knows"
        del kinds["knows"]
        with pytest.raises(UnknownReference, match=r"Fails.* recognises fails: RuntimeError: no"):
            find_part(str(file), "generator")


def test_errors_for_the_user_pass() -> None:
    class Picky(ToyGenerator):
        def synthesize(self, latents: Tensor, **keywords: Any) -> Tensor:
            raise BadInput("not these", hint="Others")

    with pytest.raises(BadInput, match="not these"):
        watch(Picky()).synthesize(torch.zeros(1, 1, 22))


def test_bundled_parts_are_left_alone() -> None:
    generator, prior = watch(ToyGenerator()), watch(ToyPrior())
    assert "_first_looks" not in vars(generator) and "_first_looks" not in vars(prior)
    with pytest.raises(TypeError):
        generator.synthesize()  # type: ignore[call-arg]


def test_nobody_watches_a_part_in_the_tests_of_its_author() -> None:
    with pytest.raises(RuntimeError, match="boom"):
        Raises().synthesize(torch.zeros(1, 1, 22))


def test_a_watched_part_is_the_same_part() -> None:
    fair = Fair()
    assert watch(fair) is fair and type(fair) is Fair
    latents = fair.sample_latents([1, 2]).requires_grad_()
    images = fair.synthesize(latents)
    (gradient,) = torch.autograd.grad(images.sum(), latents)
    assert gradient.any() and torch.equal(images, ToyGenerator().synthesize(latents))
    assert Fair.synthesize.__doc__ == ToyGenerator.synthesize.__doc__


def test_what_a_subclass_calls_above_it_is_its_own_affair() -> None:
    class Repairs(FromZero):
        def synthesize(self, latents: Tensor, **keywords: Any) -> Tensor:
            return super().synthesize(latents, **keywords) * 2 - 1

    class Rescues(Raises):
        def synthesize(self, latents: Tensor, **keywords: Any) -> Tensor:
            try:
                return super().synthesize(latents, **keywords)
            except RuntimeError:
                return ToyGenerator().synthesize(latents, **keywords)

    for cls in (Repairs, Rescues):
        generator = watch(cls())
        assert generator.synthesize(generator.sample_latents([0, 1])).shape == (2, 3, 8, 8)


def test_one_bright_picture_is_no_fault() -> None:
    class Bright(ToyGenerator):
        """Draws a white picture of seed 100, and others of others."""

        def synthesize(self, latents: Tensor, **keywords: Any) -> Tensor:
            images = super().synthesize(latents, **keywords)
            white = (latents == ToyGenerator().sample_latents([100])).all(dim=2)[..., None, None]
            return torch.where(white, torch.ones_like(images), images)

    generator = watch(Bright())
    assert (generator.synthesize(generator.sample_latents([100])) == 1).all()


class LaterNan(ToyGenerator):
    """Draws NaN from the third batch on."""

    calls = 0

    def synthesize(self, latents: Tensor, **keywords: Any) -> Tensor:
        self.calls += 1
        images = super().synthesize(latents, **keywords)
        if self.calls > 2:
            images[0, 0, 0, 0] = torch.nan
        return images


def test_nan_in_pictures_blames_the_generator() -> None:
    pipeline = c2l.Pipeline(LaterNan(), ToyEmbedder(), ToyPrior())
    assert len(pipeline("shape0", num_images=1)) == 1
    assert len(pipeline("shape0", num_images=1)) == 1
    with pytest.raises(PluginFailed, match=r"LaterNan.* synthesize gives NaN or infinity"):
        pipeline("shape0", num_images=2)


def test_nan_of_a_bundled_part_is_one_of_its_weights() -> None:
    generator = ToyGenerator()
    generator.second[0, 0] = torch.nan
    with pytest.raises(BadWeights, match="the generator toy:generator gives NaN or infinity"):
        c2l.Pipeline(generator, ToyEmbedder(), ToyPrior())("shape0")


def test_a_nan_latent_draws_nothing() -> None:
    class NanPrior(ToyPrior):
        def _sample(self, embeddings: Tensor, options: SampleOptions) -> Tensor:
            return super()._sample(embeddings, options) * torch.nan

    with pytest.raises(PluginFailed, match=r"NanPrior.* _sample gives NaN or infinity"):
        c2l.Pipeline(ToyGenerator(), ToyEmbedder(), NanPrior())("shape0")


def test_workers_cannot_load_what_has_no_reference(tmp_path: Path) -> None:
    class Live(ToyGenerator):
        reference = ""

    with pytest.raises(BadInput, match="a worker cannot load Live") as caught:
        c2l.build_pairs(Live(), ToyEmbedder(), 20, tmp_path, workers=2, batch_size=4)
    assert caught.value.field == "workers"


def test_a_process_forked_inside_a_part_may_end() -> None:
    class Forks(ToyGenerator):
        def synthesize(self, latents: Tensor, **keywords: Any) -> Tensor:
            if (child := os.fork()) == 0:
                os._exit(5)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
            return super().synthesize(latents, **keywords)

    generator = watch(Forks())
    assert generator.synthesize(generator.sample_latents([0])).shape == (1, 3, 8, 8)
