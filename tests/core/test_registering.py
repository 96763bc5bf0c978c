"""Classes of a notebook as kinds: registered, replaced, refused, and used by reference."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import c2l
from c2l.errors import BadInput, BadReference, UnknownReference
from c2l.plugins import registry
from c2l.testing import ToyEmbedder, ToyGenerator, ToyPrior
from c2l_registry.loose import kind_of_name


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    registry.cache_clear()
    yield
    registry.cache_clear()


class MyGAN(ToyGenerator):
    """Mine, all mine.

    With more to say about it.
    """

    salt = 0

    @classmethod
    def load(cls, source: c2l.Source) -> MyGAN:
        return cls(cls.salt).eval().requires_grad_(False)


class Named(MyGAN):
    kind = "another-name"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    (tmp_path / "file").write_bytes(b"weights")
    return tmp_path / "file"


def test_a_class_is_a_kind(weights: Path) -> None:
    assert c2l.register_generator(MyGAN) is MyGAN
    generator = c2l.load_generator(f"my-gan:{weights}")
    assert type(generator) is MyGAN
    assert generator.reference == f"my-gan:{weights}"
    assert generator.package == ""
    assert registry().kinds("generator")["my-gan"].summary == "Mine, all mine."
    rows = [row for row in registry().describe() if row.kinds == ("my-gan",)]
    assert [str(row) for row in rows] == ["'MyGAN' (this process)"]


def test_kinds_are_given_or_made_of_names(weights: Path) -> None:
    c2l.register_generator(Named)
    c2l.register_generator(MyGAN, kind="third")
    c2l.register_embedder(ToyEmbedder)
    c2l.register_prior(ToyPrior, kind="my-prior")
    assert {"another-name", "third", "toy-embedder", "my-prior"} <= set(registry().kinds())
    c2l.load_embedder(f"toy-embedder:{weights}")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("MyGAN", "my-gan"),
        ("DCGAN", "dcgan"),
        ("StyleGAN2", "style-gan2"),
        ("My2GAN", "my2-gan"),
        ("Generator", "generator"),
        ("my_gan", "my-gan"),
    ],
)
def test_kind_of_name(name: str, kind: str) -> None:
    assert kind_of_name(name) == kind


def test_a_cell_may_run_again(weights: Path) -> None:
    c2l.register_generator(MyGAN)
    first = c2l.load_generator(f"my-gan:{weights}")
    other = type("MyGAN", (MyGAN,), {"salt": 1, "__module__": __name__})
    c2l.register_generator(other)
    second = c2l.load_generator(f"my-gan:{weights}")
    assert type(second) is other
    assert second.fingerprint() != first.fingerprint()


@pytest.mark.parametrize(
    ("cls", "options", "error", "said"),
    [
        (MyGAN, {"kind": "stylegan"}, BadReference, "'stylegan' is one of c2l itself. Choose"),
        (MyGAN, {"kind": "wrapped"}, BadInput, "is that of c2l.wrap; choose another"),
        (MyGAN, {"kind": "My GAN"}, BadInput, "the kind 'My GAN' must be a letter, then"),
        (MyGAN(), {}, BadInput, "is not a subclass of c2l.Generator. Derive it from c2l.Generator"),
        (torch.nn.Linear, {}, BadInput, "Linear is not a subclass of c2l.Generator"),
        (ToyEmbedder, {}, BadInput, "ToyEmbedder is not a subclass of c2l.Generator"),
        (
            type("Half", (c2l.Generator,), {"image_size": (1, 1)}),
            {},
            BadInput,
            "Half lacks latent_space, load, sample_latents, synthesize",
        ),
    ],
)
def test_what_is_refused(cls: Any, options: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error) as caught:
        c2l.register_generator(cls, **options)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_embedder_is_no_generator(weights: Path) -> None:
    c2l.register_generator(MyGAN)
    with pytest.raises(UnknownReference, match="my-gan is a kind of generator, not of embedder"):
        c2l.load_embedder(f"my-gan:{weights}")


def test_workers_cannot_load_what_is_registered_here(weights: Path, tmp_path: Path) -> None:
    c2l.register_generator(MyGAN)
    generator = c2l.load_generator(f"my-gan:{weights}")
    with pytest.raises(BadInput, match=r"a worker cannot load my-gan:.*put its class into a file"):
        c2l.build_pairs(generator, c2l.load_embedder("openclip:demo"), 600, tmp_path / "p",
                        workers=2)  # fmt: skip


class LinePrior(c2l.Prior):
    """Near the mean of all latents, whatever is asked."""

    trains_by_gradient = False
    mean: Tensor

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        shape = (self.config.num_codes, self.config.latent_width)
        self.register_buffer("mean", torch.zeros(shape))

    def fit(self, embeddings: Tensor, latents: Tensor, texts: Tensor | None = None) -> None:
        self.mean.copy_(latents.mean(dim=0))

    def _sample(self, embeddings: Tensor, options: c2l.SampleOptions) -> Tensor:
        noise = c2l.draw_normal(options.seeds, self.config.latent_width)[:, None]
        return self.mean + 0.1 * (noise + embeddings.mean(dim=1)[:, None, None])


def test_a_prior_is_trained_and_read_by_its_kind(tmp_path: Path) -> None:
    c2l.register_prior(LinePrior)
    generator, embedder = ToyGenerator(), ToyEmbedder()
    pairs = c2l.build_pairs(generator, embedder, 64, tmp_path / "pairs")
    path = tmp_path / "line.safetensors"
    c2l.train_prior("line-prior", pairs, path)
    assert c2l.load_prior(path).reference == f"line-prior:{path}"
    registry.cache_clear()
    with pytest.raises(UnknownReference, match="is a prior of kind line-prior: no plugin provides"):
        c2l.load_prior(path)
