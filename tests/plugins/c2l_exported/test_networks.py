"""Networks of every oddity draw what they draw by themselves, and obey the laws of generators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import exported_networks as networks
import pytest
import torch
from exported_networks import WIDTH, export, load, z
from torch import Tensor, nn

from c2l.errors import BadInput, PluginFailed
from c2l.testing import assert_conforms

ONE = torch.tensor(1.0)
FIVE = torch.eye(5)[:2]
NUMBERS = torch.tensor([0, 1])


@dataclass
class Case:
    """A network, what it is exported with, and how its own pictures follow from latents."""

    module: nn.Module
    inputs: tuple[Tensor, ...]
    draw: Callable[[Any, Tensor], Tensor]
    toml: str = ""
    fixed: bool = False
    size: tuple[int, int] = (8, 8)


def plain(module: Any, latents: Tensor) -> Tensor:
    return module.pixels(latents[:, 0, :WIDTH]).expand(-1, 3, -1, -1)


def over_white(module: Any, latents: Tensor) -> Tensor:
    pixels = module.pixels(latents[:, 0])
    opacity = (pixels[:, 3:] + 1) / 2
    return pixels[:, :3] * opacity + 1 - opacity


def numbered(module: Any, latents: Tensor) -> Tensor:
    return module(latents[:, 0, :WIDTH], latents[:, 0, WIDTH:].argmax(dim=1))


def one_hot(module: Any, latents: Tensor) -> Tensor:
    classes = latents[:, 0, WIDTH:].argmax(dim=1)
    return module(latents[:, 0, :WIDTH], torch.eye(5)[classes])


CASES = {
    "plain": Case(networks.Plain(), (z(),), plain),
    "grey": Case(networks.Grey(), (z(),), plain),
    "wide": Case(networks.Wide(), (z(),), plain, size=(6, 10)),
    "opacity": Case(networks.Opaque(), (z(),), over_white),
    "a map": Case(networks.Map(), (z(2, WIDTH, 1, 1),), plain),
    "unit range": Case(networks.UnitRange(), (z(),), plain),
    "bytes": Case(networks.Bytes(), (z(),), plain),
    "channels last": Case(networks.ChannelsLast(), (z(),), plain),
    "flat": Case(networks.Flat(), (z(),), plain),
    "uniform": Case(networks.Plain(), (z(),), plain, 'distribution = "uniform"\nbetween = [0, 2]'),
    "truncated": Case(networks.Plain(), (z(),), plain, 'distribution = "truncated"\ncut = 1.5'),
    "moved": Case(networks.Plain(), (z(),), plain, "mean = [1, 2, 3, 4, 5, 6]\nstd = 0.5"),
    "alone": Case(networks.Plain(), (z(1),), plain, fixed=True),
    "by threes": Case(networks.Plain(), (z(3),), plain, fixed=True),
    "numbered": Case(networks.Numbered(), (z(), NUMBERS), numbered, "labels = 5"),
    "one hot": Case(networks.OneHot(), (z(), FIVE), one_hot),
    "no classes": Case(networks.Unlabelled(), (z(), torch.zeros(2, 0)), plain),
    "a large map": Case(networks.Map(24), (z(2, WIDTH, 2, 2),), lambda m, x: m.pixels(x[:, 0])),
    "several": Case(networks.Several(), (z(),), plain),
    "cut": Case(networks.Cut(), (z(), ONE), plain),
    "codes": Case(
        networks.Codes(), (z(2, 3, WIDTH),), lambda module, latents: module(latents), "std = 2"
    ),
}


@pytest.fixture(scope="module", params=CASES, ids=lambda name: name.replace(" ", "-"))
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    case = CASES[request.param]
    folder = tmp_path_factory.mktemp("exported")
    path = export("onnx", case.module, case.inputs, folder, fixed=case.fixed, toml=case.toml)
    return case, load(path)


@torch.no_grad()
def test_it_draws_what_the_network_draws(case: Any) -> None:
    case, generator = case
    latents = generator.sample_latents(range(4))
    assert generator.image_size == case.size
    # Bytes are rounded.
    torch.testing.assert_close(
        generator.synthesize(latents), case.draw(case.module, latents), rtol=0, atol=0.005
    )


def test_it_obeys_the_laws(case: Any) -> None:
    _, generator = case
    assert_conforms(lambda: load(generator.path))


def test_classes_are_drawn_evenly(tmp_path: Path) -> None:
    path = export("onnx", *_of("numbered"), tmp_path, toml="labels = 5")
    latents = load(path).sample_latents(range(500))
    counts = latents[:, 0, WIDTH:].sum(dim=0)
    assert counts.sum() == 500
    assert all(60 < count < 140 for count in counts.tolist())


def test_one_class_is_chosen(tmp_path: Path) -> None:
    module, inputs = _of("numbered")
    generator = load(export("onnx", module, inputs, tmp_path, toml="label = 3"))
    latents = generator.sample_latents([1, 2])
    assert latents.shape == (2, 1, WIDTH)
    wanted = module(latents[:, 0], torch.tensor([3, 3]))
    torch.testing.assert_close(generator.synthesize(latents), wanted, rtol=0, atol=1e-4)


def test_noise_follows_from_the_latent(tmp_path: Path) -> None:
    """It is there, it is the same in any batch, and it is another for another picture."""
    module, inputs = networks.Noisy(), (z(), torch.randn(2, 3, 8, 8))
    generator = load(export("onnx", module, inputs, tmp_path))
    assert_conforms(lambda: load(generator.path))
    latents = generator.sample_latents(range(3))
    with torch.no_grad():
        noise = generator.synthesize(latents) - module.pixels(latents[:, 0])
    assert noise.std() > 0.05
    assert (noise[0] - noise[1]).abs().max() > 0.05


def test_half_precision(tmp_path: Path) -> None:
    module = networks.Plain().half()
    generator = load(export("onnx", module, (z().half(),), tmp_path))
    latents = generator.sample_latents([0, 1])
    drawn = generator.synthesize(latents)
    assert drawn.dtype == torch.float32
    wanted = networks.Plain().pixels(latents[:, 0])
    torch.testing.assert_close(drawn, wanted, rtol=0, atol=0.02)


@pytest.mark.parametrize("kind", ["torchscript", "export"])
def test_torch_formats(kind: str, tmp_path: Path) -> None:
    """The shape of the latent is found from the weights of the one, and stands in the other."""
    generator = load(export(kind, networks.Plain(), (z(),), tmp_path))
    assert_conforms(lambda: generator)  # loading each time would take a minute
    latents = generator.sample_latents(range(3))
    wanted = networks.Plain().pixels(latents[:, 0])
    torch.testing.assert_close(generator.synthesize(latents), wanted, rtol=0, atol=1e-4)


def test_torchscript_with_a_map_classes_and_half_precision(tmp_path: Path) -> None:
    class Deep(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(5, 7)
            self.up = nn.ConvTranspose2d(7, 3, 8)

        def forward(self, code: Tensor, label: Tensor) -> Tensor:
            return torch.tanh(self.up(code + self.table(label)[:, :, None, None]))

    module = Deep().half()
    path = export("torchscript", module, (z(2, 7, 1, 1).half(), NUMBERS), tmp_path, toml="labels=5")
    generator = load(path)
    assert generator.network.call.latents.shape == (7, 1, 1)
    assert generator.latent_space.width == 12
    assert generator.synthesize(generator.sample_latents(range(3))).shape == (3, 3, 8, 8)


def test_torchscript_without_classes(tmp_path: Path) -> None:
    inputs = (z(), torch.zeros(2, 0))
    generator = load(export("torchscript", networks.Unlabelled(), inputs, tmp_path))
    assert generator.latent_space.width == WIDTH


def test_torchscript_that_draws_random_numbers(tmp_path: Path) -> None:
    """Each picture is drawn alone, from a seed of its own."""
    generator = load(export("torchscript", networks.Random(), (z(),), tmp_path))
    assert generator.network.call.random
    latents = generator.sample_latents(range(5))
    together = generator.synthesize(latents)
    assert torch.equal(generator.synthesize(latents[3:]), together[3:])


def test_batch_statistics_make_pictures_alone(tmp_path: Path) -> None:
    """A network whose pictures depend on their neighbours is never given two at once."""
    module = networks.Crowd()
    generator = load(export("onnx", module, (z(),), tmp_path))
    assert generator.network.call.batch_size == 1
    latents = generator.sample_latents(range(3))
    wanted = torch.cat([module(row) for row in latents])
    torch.testing.assert_close(generator.synthesize(latents), wanted, rtol=0, atol=1e-4)


def test_neighbours_in_a_fixed_batch_are_refused(tmp_path: Path) -> None:
    path = export("onnx", networks.Crowd(), (z(4),), tmp_path, fixed=True)
    with pytest.raises(BadInput, match="when others are drawn beside it"):
        load(path)


def test_optimising_says_that_there_is_no_gradient(tmp_path: Path) -> None:
    from c2l.sampling.optimising import optimise
    from c2l.testing import ToyEmbedder

    generator, embedder = load(export("onnx", networks.Plain(), (z(),), tmp_path)), ToyEmbedder()
    latents = generator.sample_latents([0])
    text = embedder.embed_images(generator.synthesize(latents))
    assert not generator.differentiable
    with pytest.raises(BadInput, match="no gradient to follow"):
        optimise(generator, embedder, latents, text, steps=1)


UNDECIDED = {
    "constant": (networks.Constant(), (z(),), "", "the same picture of all latents"),
    "nan": (networks.Broken(), (z(),), "", "NaN or infinity"),
    "no labels": (networks.Numbered(), (z(), NUMBERS), "", "labels = 10"),
    "no such output": (networks.Plain(), (z(),), "output = 3", "has 1 outputs"),
    "no such input": (networks.Plain(), (z(),), 'latent = "w"', "no input 'w'; it has z"),
    "no such class": (networks.OneHot(), (z(), FIVE), "label = 9", "has 5 classes"),
    "three means": (networks.Plain(), (z(),), "mean = [1, 2, 3]", "3 numbers as mean"),
}


@pytest.mark.parametrize("name", UNDECIDED, ids=lambda name: name.replace(" ", "-"))
def test_what_cannot_be_decided_is_one_line(name: str, tmp_path: Path) -> None:
    module, inputs, toml, said = UNDECIDED[name]
    with pytest.raises(BadInput) as error:
        load(export("onnx", module, inputs, tmp_path, toml=toml))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_latent_says_what_to_write(tmp_path: Path) -> None:
    class Odd(nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            return z.reshape(z.shape[0], 3, 7, 11)

    path = export("torchscript", Odd(), (z(2, 231),), tmp_path)
    with pytest.raises(BadInput, match=r"Write latent_shape = \[100\].* in .*g\.pt\.toml"):
        load(path)
    path.with_name("g.pt.toml").write_text("latent_shape = [231]\n", encoding="utf-8")
    assert load(path).image_size == (7, 11)


def test_the_fingerprint_covers_file_and_toml(tmp_path: Path) -> None:
    path = export("onnx", networks.Plain(), (z(),), tmp_path)
    first = load(path).fingerprint()
    assert load(path).fingerprint() == first
    toml = path.with_name("g.onnx.toml")
    toml.write_text('licence = "MIT"\n', encoding="utf-8")
    assert load(path).fingerprint() == first  # decides no picture
    toml.write_text("std = 2\n", encoding="utf-8")
    assert load(path).fingerprint() != first
    toml.unlink()
    path.write_bytes(path.read_bytes() + b"\x32\x01x")  # a remark of the model
    assert load(path).fingerprint() != first


def test_what_it_says_of_itself(tmp_path: Path) -> None:
    generator = load(export("onnx", networks.Grey(), (z(),), tmp_path))
    assert "8 x 8 px, grey, black -1, white 1, normal latents" in repr(generator)


def test_a_network_that_fails_later_is_at_fault(tmp_path: Path) -> None:
    generator = load(export("onnx", networks.Plain(), (z(),), tmp_path))
    path = generator.path
    path.unlink()
    generator.network.child.close()
    with pytest.raises(PluginFailed, match=r"the network in .* fails"):
        generator.synthesize(generator.sample_latents([0]))


def _of(name: str) -> tuple[nn.Module, tuple[Tensor, ...]]:
    return CASES[name].module, CASES[name].inputs
