"""What EG3D has of its own: cameras, and a renderer whose settings lie in the file."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from gan_goldens import CLOSE, Golden, opened

from c2l.errors import Assumed, BadInput, BadWeights
from c2l_gans.networks.camera import Camera
from c2l_gans.networks.radiance import Decoder, March, Planes, seen

SIDEWAYS: dict[str, Any] = {"yaw": 25, "pitch": -10}
CARS = Golden("eg3d_cars")
AXES = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 0, 1], [0, 1, 0]]


@pytest.fixture
def cars(tmp_path: Path) -> Path:
    path = tmp_path / "cars.pkl"
    path.write_bytes(gzip.decompress(CARS.path.read_bytes()))
    return path


def replaced(path: Path, old: bytes, new: bytes) -> str:
    """The same file, with something else of the same length in all places."""
    data = path.read_bytes()
    assert old in data
    assert len(old) == len(new)
    path.write_bytes(data.replace(old, new))
    return str(path)


def axes(*third: list[int]) -> bytes:
    """Three planes' axes, as they lie in a file."""
    return struct.pack("<27f", *(number for row in [*AXES, *third] for number in row))


@pytest.mark.parametrize("name", ["eg3d", "eg3d_cars"])
def test_from_elsewhere_it_is_what_the_official_code_draws(name: str) -> None:
    golden = Golden(name)
    generator = opened(golden.path)
    latents = generator.map(golden.tensors["z"][:1])
    image = generator.synthesize(latents, camera=SIDEWAYS)[..., ::3, ::3]
    assert float((image - golden.tensors["turned"]).abs().max()) < CLOSE * golden.std


def test_a_file_beside_the_weights_moves_the_camera(cars: Path, tmp_path: Path) -> None:
    usual = opened(cars)
    cars.with_name("cars.pkl.toml").write_text("yaw = 25\npitch = -10\n")
    moved = opened(cars)
    latents = usual.sample_latents([1, 2])
    assert torch.equal(moved.sample_latents([1, 2]), latents)  # it is the same thing from there
    seen = moved.synthesize(latents)
    assert torch.equal(seen, usual.synthesize(latents, camera=SIDEWAYS))
    assert not torch.allclose(seen, usual.synthesize(latents))
    assert moved.fingerprint() != usual.fingerprint()
    assert moved.describe(cars)["camera"] == "yaw 25, pitch -10, focal length 1.7074"
    moved.save(tmp_path / "moved.safetensors")
    assert torch.equal(opened(tmp_path / "moved.safetensors").synthesize(latents), seen)


def test_the_mapping_is_told_of_the_front_wherever_the_camera_is(tmp_path: Path) -> None:
    path = tmp_path / "faces.pkl"
    path.write_bytes(gzip.decompress(Golden("eg3d").path.read_bytes()))
    latents = opened(path).sample_latents([1, 2])
    path.with_name("faces.pkl.toml").write_text("yaw = 25\npitch = -10\n")
    assert torch.equal(opened(path).sample_latents([1, 2]), latents)
    path.with_name("faces.pkl.toml").write_text("focal = 3\n")
    assert not torch.allclose(opened(path).sample_latents([1, 2]), latents)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("yaw = 400", "yaw of a camera is a number from -360 to 360"),
        ("yaw = true", "yaw"),
        ("pivot = [0, 1]", "pivot of a camera is three numbers"),
        ("roll = 3", "no roll, only distance, focal, pitch, pivot, yaw"),
        ("[yaw", "cars.pkl.toml"),
        ("distance = nan", "distance"),
    ],
)
def test_a_camera_that_is_none_is_refused(cars: Path, text: str, reason: str) -> None:
    cars.with_name("cars.pkl.toml").write_text(text)
    with pytest.raises(BadInput, match=reason):
        opened(cars)


def test_a_camera_that_is_none_is_refused_in_python() -> None:
    generator = opened(CARS.path)
    with pytest.raises(BadInput, match="pitch"):
        generator.synthesize(generator.sample_latents([1]), camera={"pitch": 90})


def test_a_focal_length_that_no_configuration_gives_is_said_to_be_assumed(cars: Path) -> None:
    assert opened(cars).network_settings.camera.focal == 1.7074
    assert opened(Golden("eg3d").path).network_settings.camera.focal == 4.2647
    other = replaced(cars, struct.pack(">d", 2.6), struct.pack(">d", 2.7))
    with pytest.warns(Assumed, match="focal length"):
        assert opened(other).network_settings.camera.focal == 4.2647


def test_planes_lie_as_the_file_says(cars: Path) -> None:
    usual = axes([0, 0, 1], [1, 0, 0], [0, 1, 0])
    assert opened(cars).network_settings.axes[2] == (2, 0)
    other = replaced(cars, usual, axes([0, 0, 1], [0, 1, 0], [1, 0, 0]))
    assert opened(other).network_settings.axes[2] == (2, 1)


@pytest.mark.parametrize(
    "third", [[[1, 0, 0], [1, 0, 0], [0, 1, 0]], [[2, 0, 0], [0, 1, 0], [0, 0, 1]]]
)
def test_planes_that_lie_along_no_axes_are_refused(cars: Path, third: list[list[int]]) -> None:
    usual = axes([0, 0, 1], [1, 0, 0], [0, 1, 0])
    with pytest.raises(BadWeights, match="do not lie along the axes"):
        opened(f"eg3d:{replaced(cars, usual, axes(*third))}")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"softplus", b"softmaxx", "clamp_mode softmaxx"),
        (b"ray_start", b"ray_begin", "numbers"),
        (b"rendering_kwargs", b"rendering_nothin", "how it renders"),
        (b"\x8c\x05conv0", b"\x8c\x05conv9", "conv0"),
    ],
)
def test_what_the_renderer_cannot_keep_is_refused(
    cars: Path, old: bytes, new: bytes, reason: str
) -> None:
    with pytest.raises(BadWeights, match=reason):
        opened(f"eg3d:{replaced(cars, old, new)}")


@pytest.mark.parametrize(("is_white", "colour"), [(True, 1.0), (False, -1.0)])
def test_a_ray_that_meets_nothing_is_white_or_black(is_white: bool, colour: float) -> None:
    decoder = Decoder(2, 3, 4)
    with torch.no_grad():
        decoder.last.bias[0] = -100  # no density anywhere
    planes = Planes(torch.ones(3, 2, 4, 4), ((0, 1), (0, 2), (2, 0)), box=1.0)
    start, directions = Camera(2.0, 1.0, (0.0, 0.0, 0.0)).rays(5)
    light = seen(planes, decoder, start, directions, March(1.0, 3.0, 8, 8, is_white))
    assert light.shape == (25, 4)
    assert torch.allclose(light, torch.tensor(colour))
