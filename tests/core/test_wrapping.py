"""Networks and functions as parts: what they may look like, what is refused, what tells two apart.

Every network here is one that somebody might have in a notebook.
"""

from __future__ import annotations

import copy
import functools
import re
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import c2l
from c2l.errors import BadInput, IncompatibleParts, PluginFailed, UnknownReference
from c2l.testing import ToyEmbedder, ToyGenerator, assert_conforms
from c2l.testing.toys import EMBEDDING_WIDTH


class MyGAN(nn.Module):
    """What stands in many a tutorial."""

    def __init__(self, seed: int = 0, slope: float = 0.2, channels: int = 3) -> None:
        super().__init__()
        self.channels = channels
        self.gain = 1.0
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.main = nn.Sequential(
                nn.Linear(16, 64),
                nn.BatchNorm1d(64),
                nn.LeakyReLU(slope),
                nn.Linear(64, channels * 8 * 12),
                nn.Tanh(),
            )

    def forward(self, z: Tensor) -> Tensor:
        return self.gain * self.main(z).view(-1, self.channels, 8, 12)

    def decode(self, z: Tensor) -> Any:
        return SimpleNamespace(sample=self(z))


SIZE = (8, 12)


def wrap(network: Callable[..., Any], latent: Any = 16, **options: Any) -> c2l.Generator:
    return c2l.wrap(network, latent=latent, **options)


net = MyGAN()


# -- what is taken


def drawn(generator: c2l.Generator) -> Tensor:
    return generator.synthesize(generator.sample_latents([3, 4]))


def test_a_module() -> None:
    network = MyGAN(1).train()
    generator = wrap(network)
    assert generator.reference == f"wrapped:{__name__}.MyGAN"
    assert generator.image_size == wrap(network, size=SIZE).image_size == SIZE
    assert generator.sample_latents([1, 2, 3]).shape == (3, 1, 16)
    expected = network(c2l.draw_normal([3, 4], 16))
    torch.testing.assert_close(drawn(generator), expected)
    assert not network.training and not any(p.requires_grad for p in network.parameters())
    assert drawn(generator).shape == (2, 3, *SIZE)


def answers() -> dict[str, Callable[[Tensor], Any]]:
    return {
        "lambda": lambda z: net(z),
        "method": net.decode,
        "partial": functools.partial(lambda scale, z: scale * net(z), 1.0),
        "tuple": lambda z: (net(z), torch.zeros(len(z))),
        "table": lambda z: {"images": net(z), "labels": [1, 2]},
        "ordered": lambda z: OrderedDict(sample=net(z)),
        "half": lambda z: net(z).half(),
        "array": lambda z: net(z).numpy(),
    }


@pytest.mark.parametrize("name", answers())
def test_answers_in_any_clothes(name: str) -> None:
    torch.testing.assert_close(drawn(wrap(answers()[name])), drawn(wrap(net)), atol=1e-3, rtol=0)


def test_grey_pictures_and_bytes() -> None:
    grey = MyGAN(channels=1)
    assert drawn(wrap(grey)).shape == (2, 3, *SIZE)
    torch.testing.assert_close(drawn(wrap(lambda z: grey(z)[:, 0])), drawn(wrap(grey)))
    as_bytes = wrap(lambda z: ((net(z) + 1) * 127.5).round().byte(), value_range=(0, 255))
    torch.testing.assert_close(drawn(as_bytes), drawn(wrap(net)), atol=0.01, rtol=0)


@pytest.mark.parametrize(
    ("latent", "shape", "codes"),
    [
        (16, (2, 16), (1, 16)),
        ((1, 16), (2, 16), (1, 16)),
        ((16,), (2, 16), (1, 16)),
        ((4, 4), (2, 4, 4), (4, 4)),
        ((16, 1, 1), (2, 16, 1, 1), (1, 16)),
        ((1, 4, 4), (2, 1, 4, 4), (1, 16)),
    ],
)
def test_latents_have_the_shape_that_the_network_wants(
    latent: Any, shape: tuple[int, ...], codes: tuple[int, int]
) -> None:
    given: list[tuple[int, ...]] = []

    def network(z: Tensor) -> Tensor:
        given.append(tuple(z.shape))
        return net(z.reshape(-1, 16))

    generator = wrap(network, latent)
    latents = generator.sample_latents([3, 4])
    assert tuple(latents.shape[1:]) == codes
    generator.synthesize(latents)
    assert given[-1] == shape
    # One code feeds all of them, as in any generator.
    assert generator.synthesize(latents[:, :1]).shape == (2, 3, *SIZE)
    with pytest.raises(BadInput, match="latents have shape"):
        generator.synthesize(torch.zeros(2, 1, 5))


def test_distributions() -> None:
    uniform = wrap(net, distribution="uniform")
    z = uniform.sample_latents(range(4000))
    assert z.min() >= -1 and z.max() <= 1
    torch.testing.assert_close(z.std(), uniform.latent_space.std.mean(), atol=0.02, rtol=0)
    one = functools.partial(lambda mean, seed: c2l.draw_normal([seed], 16)[0] + mean, 3.0)
    shifted = wrap(lambda z: net(z - 3), distribution=one)
    torch.testing.assert_close(drawn(shifted), drawn(wrap(net)), atol=1e-4, rtol=0)
    space = shifted.latent_space
    assert 2.8 < space.mean.mean() < 3.2 and 0.9 < space.std.mean() < 1.1
    zero = shifted.synthesize(shifted.sample_latents([1]), truncation=0.0)
    torch.testing.assert_close(zero, shifted.synthesize(space.mean[None]))


def test_a_wrapped_network_obeys_the_laws() -> None:
    assert_conforms(lambda: wrap(MyGAN()))


def test_half_precision_networks_are_given_half_precision() -> None:
    assert drawn(wrap(MyGAN().bfloat16())).dtype == torch.float32


# -- what is refused


def loud(z: Tensor) -> Tensor:
    raise ValueError("no such label\nsecond line")


REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "a class": (lambda: wrap(MyGAN), BadInput, "MyGAN is a class, not a network. Give one: MyGAN("),
    "a text": (lambda: wrap("net.pt"), BadInput, "a str cannot be called"),  # type: ignore[arg-type]
    "a part": (lambda: wrap(ToyGenerator()), BadInput, "is a part of c2l already"),
    "latent": (lambda: wrap(net, (1, 2, 3, 4)), BadInput, "`latent=(1, 2, 3, 4)` is not the shape"),
    "no latent": (lambda: wrap(net, 0), BadInput, "`latent=0` is not the shape"),
    "a size": (
        lambda: wrap(net, size=(0, 8)),
        BadInput,
        "`size=(0, 8)` is not a height and a width",
    ),
    "a text as size": (lambda: wrap(net, size="8"), BadInput, "`size='8'` is not a height and a"),
    "a square": (lambda: wrap(net, size=8), BadInput, "not as `size=(8, 8)` says"),
    "a range": (
        lambda: wrap(net, value_range=(1, 1)),
        BadInput,
        "not a lowest and a highest value",
    ),
    "a distribution": (lambda: wrap(net, distribution="x"), BadInput, "is unknown. Use"),
    "another size": (
        lambda: wrap(net, size=(12, 8)),
        BadInput,
        "draws pictures 8 px high and 12 px wide, not as `size=(12, 8)` says. Leave out `size`",
    ),
    "another width": (
        lambda: wrap(net, 5),
        PluginFailed,
        "fails on a tensor of shape (8, 5): RuntimeError: mat1 and mat2",
    ),
    "labels": (
        lambda: wrap(lambda z, label: net(z)),
        PluginFailed,
        "missing 1 required positional argument: 'label'. Say with `latent` what it takes, or wrap",
    ),
    "raises": (lambda: wrap(loud), PluginFailed, "ValueError: no such label. Say"),
    "0 to 1": (lambda: wrap(lambda z: (net(z) + 1) / 2), BadInput, "as in `value_range=(0, 1)`"),
    "-1 to 1": (lambda: wrap(net, value_range=(0, 1)), BadInput, "as in `value_range=(-1, 1)`"),
    "not 255": (lambda: wrap(net, value_range=(0, 255)), BadInput, "as in `value_range=(-1, 1)`"),
    "255": (lambda: wrap(lambda z: (net(z) + 1) * 127), BadInput, "as in `value_range=(0, 255)`"),
    "untrained": (lambda: wrap(lambda z: 0.005 * net(z)), BadInput, "Give a trained network"),
    "weights": (
        lambda: wrap(net.state_dict()),
        BadInput,
        "an OrderedDict cannot be called. Weights",
    ),  # type: ignore[arg-type]
    "noise": (
        lambda: wrap(lambda z: net(z) + 0.2 * torch.randn(8, 12)),
        PluginFailed,
        "draws other pictures of the same latents when it is asked again",
    ),
    "a batch": (
        lambda: wrap(lambda z: net(z) - net(z).mean(0)),
        PluginFailed,
        "draws another picture of the same latent in another batch",
    ),
    "one picture": (lambda: wrap(lambda z: net(0 * z)), PluginFailed, "draws one picture of all"),
    "one row": (lambda: wrap(lambda z: net(z)[:1]), PluginFailed, "gives 1 pictures of 8 latents"),
    "NaN": (lambda: wrap(lambda z: net(z) * torch.nan), PluginFailed, "gives NaN or infinity"),
    "channels last": (
        lambda: wrap(lambda z: net(z).permute(0, 2, 3, 1)),
        PluginFailed,
        "permutes them to channels first",
    ),
    "RGBA": (
        lambda: wrap(lambda z: torch.cat([net(z), net(z)[:, :1]], 1)),
        PluginFailed,
        "neither RGB nor grey",
    ),
    "two": (lambda: wrap(lambda z: (net(z), net(z))), PluginFailed, "a tuple with 2 tensors of"),
    "nothing": (lambda: wrap(lambda z: None), PluginFailed, "gives None"),
    "writes": (
        lambda: wrap(lambda z: net(z.mul_(0.5))),
        PluginFailed,
        "writes to the tensor that it is given",
    ),
    "random latents": (
        lambda: wrap(net, distribution=lambda seed: torch.randn(16)),
        PluginFailed,
        "gives other latents when it is asked again; seed every row",
    ),
    "no latents": (
        lambda: wrap(net, distribution=lambda seed: torch.zeros(3)),
        BadInput,
        "`distribution` gives a Tensor of shape (3,), not one latent of shape (16,)",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    make, error, said = REFUSED[name]
    with pytest.raises(error, match=re.escape(said)) as caught:
        make()
    assert "\n" not in str(caught.value)
    assert "WrappedGenerator" not in str(caught.value)


# -- what tells two apart


def maker(scale: float, network: nn.Module) -> Callable[[Tensor], Tensor]:
    return lambda z: scale * network(z)


def test_the_same_again_has_the_same_fingerprint() -> None:
    assert wrap(MyGAN(1)).fingerprint() == wrap(MyGAN(1)).fingerprint()
    assert wrap(maker(1.0, MyGAN(1))).fingerprint() == wrap(maker(1.0, MyGAN(1))).fingerprint()
    twice = wrap(MyGAN(1))
    drawn(twice)
    assert twice.fingerprint() == copy.deepcopy(twice).fingerprint()


def test_whatever_decides_the_pictures_is_in_the_fingerprint() -> None:
    gain = MyGAN()
    gain.gain = 0.9
    shift, table = torch.full((1,), 0.1), np.full(1, 0.1, dtype=np.float32)
    generators = [
        wrap(MyGAN()),
        wrap(MyGAN(1)),  # other weights
        wrap(MyGAN(slope=0.3)),  # another layer without weights
        wrap(gain),  # another number
        wrap(net, (16, 1)[:1], distribution="uniform"),
        wrap(maker(1.0, MyGAN())),
        wrap(maker(0.9, MyGAN())),  # another number in a closure
        wrap(maker(1.0, MyGAN(1))),  # another network in a closure
        wrap(lambda z: net(z)),
        wrap(lambda z: 0.9 * net(z)),  # other code
        wrap(lambda z: net(z) + shift),  # a tensor that is no buffer
        wrap(lambda z: net(z) + torch.from_numpy(table)),
        wrap(functools.partial(lambda s, z: s * net(z), 0.5)),
        wrap(functools.partial(lambda s, z: s * net(z), 0.6)),
        wrap(net.decode),
    ]
    assert len({g.fingerprint() for g in generators}) == len(generators)


def test_a_plain_tensor_of_a_module_counts_and_moves() -> None:
    class Shifted(MyGAN):
        def __init__(self, by: float) -> None:
            super().__init__()
            self.by = torch.full((1,), by)

        def forward(self, z: Tensor) -> Tensor:
            return super().forward(z) + self.by

    first, second = wrap(Shifted(0.1)), wrap(Shifted(0.2))
    assert first.fingerprint() != second.fingerprint()
    network = Shifted(0.1)
    wrap(network).to(torch.float64)  # as a move to a GPU does
    assert network.by.dtype == network.main[0].weight.dtype == torch.float64


def test_a_decorated_function_is_seen_through(recwarn: pytest.WarningsRecorder) -> None:
    def decorated(scale: float) -> c2l.Generator:
        @torch.no_grad()
        def network(z: Tensor) -> Tensor:
            return scale * net(z)

        return wrap(network)

    first, second, third = decorated(0.5), decorated(0.5), decorated(0.6)
    assert first.fingerprint() == second.fingerprint() != third.fingerprint()
    assert not recwarn.list


def test_what_cannot_be_seen_is_said() -> None:
    session = re.compile("x")  # as good as any object of another runtime
    with pytest.warns(UserWarning, match="does not cover .*session, a Pattern"):
        wrap(lambda z: net(z) if session else z)


# -- in use


def test_from_a_network_to_pictures_and_back(tmp_path: Path) -> None:
    generator, embedder = wrap(MyGAN(1)), ToyEmbedder()
    pairs = c2l.build_pairs(generator, embedder, 64, str(tmp_path / "pairs"))
    assert pairs.manifest.generator.reference == generator.reference
    path = tmp_path / "prior.safetensors"
    c2l.train_prior("ridge", pairs, path, generator=generator, embedder=embedder)

    again = c2l.load_pipeline(prior=path, generator=wrap(MyGAN(1)), embedder=embedder)
    picture = again("a red picture", num_images=2, seed=1)[0]
    assert picture.record["generator"] == generator.reference
    with pytest.raises(IncompatibleParts, match="the same name, but other weights"):
        c2l.load_pipeline(prior=path, generator=wrap(MyGAN(2)), embedder=embedder)
    with pytest.raises(UnknownReference) as caught:
        c2l.load_pipeline(prior=path, embedder=embedder)
    assert caught.value.field == "generator"
    assert f"{generator.reference}, which lives in the program that wrapped it" in str(caught.value)
    assert "generator=c2l.wrap(MyGAN, latent=16))" in caught.value.hint


def test_workers_cannot_load_what_lives_here(tmp_path: Path) -> None:
    with pytest.raises(
        BadInput, match=r"a worker cannot load wrapped:.*MyGAN, which lives in this"
    ):
        c2l.build_pairs(wrap(net), ToyEmbedder(), 600, tmp_path / "pairs", workers=2)


def test_a_name_is_no_way_to_load_it() -> None:
    with pytest.raises(UnknownReference, match="lives in the program that wraps it"):
        c2l.load_generator("wrapped:my_module.MyGAN")


# -- embedders


class Colours(nn.Module):
    """Mean colours, and words of colours."""

    words: Tensor

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("words", scale * torch.eye(3))

    def text(self, texts: list[str]) -> Tensor:
        rows = [[float(c in text) for c in ("red", "green", "blue")] for text in texts]
        return torch.tensor(rows) @ self.words + 0.1

    def images(self, images: Tensor) -> Tensor:
        return (images.mean(dim=(2, 3)) + 1.1) @ self.words


def test_an_embedder() -> None:
    colours = Colours()
    embedder = c2l.wrap_embedder(embed_text=colours.text, embed_images=colours.images)
    assert embedder.width == 3
    assert embedder.reference == f"wrapped:{__name__}.Colours.images"
    torch.testing.assert_close(embedder.embed_text(["red"]), torch.tensor([[1.1, 0.1, 0.1]]))
    same = c2l.wrap_embedder(embed_text=colours.text, embed_images=colours.images, width=3)
    assert same.fingerprint() == embedder.fingerprint()
    other = Colours(2.0)
    different = c2l.wrap_embedder(embed_text=other.text, embed_images=other.images)
    assert different.fingerprint() != embedder.fingerprint()


def test_a_wrapped_embedder_obeys_the_laws() -> None:
    toy = ToyEmbedder()
    functions = {"embed_text": toy.embed_text, "embed_images": toy.embed_images}
    assert_conforms(lambda: c2l.wrap_embedder(**functions))


def test_arrays_and_answers_of_other_libraries() -> None:
    toy = ToyEmbedder()

    def embed_text(texts: list[str]) -> np.ndarray[Any, Any]:
        return toy.embed_text(texts).numpy()

    def embed_images(images: Tensor) -> Any:
        return SimpleNamespace(hidden=images.flatten(2), pooled=toy.embed_images(images))

    embedder = c2l.wrap_embedder(embed_text=embed_text, embed_images=embed_images)
    assert embedder.width == EMBEDDING_WIDTH


def functions(**changes: Any) -> dict[str, Any]:
    colours = Colours()
    return {"embed_text": colours.text, "embed_images": colours.images, **changes}


REFUSED_EMBEDDERS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "a text": ({"embed_text": "clip"}, BadInput, "`embed_text`: a str cannot be called"),
    "a width": ({"width": 0}, BadInput, "`width=0` is not a width"),
    "another width": ({"width": 4}, BadInput, "embeddings 3 wide, not 4"),
    "two widths": (
        {"embed_images": lambda x: x[:, :2].mean((2, 3))},
        BadInput,
        "Texts and pictures must share one space",
    ),
    "a list": ({"embed_text": lambda texts: [1, 2]}, PluginFailed, "a list with no tensors"),
    "random": (
        {"embed_images": lambda x: torch.rand(len(x), 3)},
        PluginFailed,
        "gives other numbers when it is asked again",
    ),
    "zeros": ({"embed_text": lambda t: torch.zeros(len(t), 3)}, PluginFailed, "zeros in row 0"),
    "fixed size": (
        {"embed_images": lambda x: x.reshape(len(x), 3, 224, 224).mean((2, 3))},
        PluginFailed,
        "resize and normalise them inside",
    ),
}


@pytest.mark.parametrize("name", REFUSED_EMBEDDERS)
def test_embedders_that_are_refused(name: str) -> None:
    changes, error, said = REFUSED_EMBEDDERS[name]
    with pytest.raises(error, match=re.escape(said)) as caught:
        c2l.wrap_embedder(**functions(**changes))
    assert "WrappedEmbedder" not in str(caught.value)
