"""Tensors are prepared as open_clip prepares pictures, in every resize mode."""

from __future__ import annotations

import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from c2l.errors import BadWeights
from c2l_openclip.preprocessing import Preprocessing

MEAN, STD = (0.48, 0.46, 0.41), (0.27, 0.26, 0.28)


def smooth_image(height: int, width: int) -> torch.Tensor:
    """8-bit levels, low frequencies with some noise, clear of 0 and 255: (3, H, W).

    PIL clips between its two passes, a tensor only at the end; that is not what is tested here.
    """
    rng = torch.Generator().manual_seed(height * 1000 + width)
    coarse = torch.rand(1, 3, 8, 8, generator=rng)
    image = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic")[0]
    noisy = 0.2 + 0.6 * image + 0.03 * torch.randn(image.shape, generator=rng)
    return (noisy.clamp(0, 1) * 255).round().byte()


SHAPES = [
    ((96, 96), 32),  # square, down
    ((90, 121), 32),  # wide, odd
    ((151, 64), 32),  # tall
    ((20, 30), 32),  # up
    ((32, 32), 32),  # as it is
    ((64, 100), (32, 48)),  # a tower that is not square
]
CASES = [
    (mode, interpolation, *shape)
    for mode in ("shortest", "longest", "squash")
    for interpolation in ("bicubic", "bilinear")
    for shape in SHAPES
    # Here open_clip forgets the interpolation and takes bicubic.
    if (mode, interpolation, shape[1]) != ("shortest", "bilinear", (32, 48))
]


@pytest.mark.parametrize(("mode", "interpolation", "source", "size"), CASES)
def test_like_open_clip(mode, interpolation, source, size) -> None:
    levels = smooth_image(*source)
    config = PreprocessCfg(
        size=size, mean=MEAN, std=STD, interpolation=interpolation, resize_mode=mode, fill_color=90
    )
    picture = Image.fromarray(levels.permute(1, 2, 0).numpy())
    expected = image_transform_v2(config, is_train=False)(picture)
    ours = Preprocessing.read(
        {
            "mean": MEAN,
            "std": STD,
            "interpolation": interpolation,
            "resize_mode": mode,
            "fill_color": 90,
        },
        size,
        "test",
    )
    prepared = ours(levels[None].float() / 127.5 - 1)[0]
    assert prepared.shape == expected.shape
    levels_apart = (prepared - expected).abs() * torch.tensor(STD).view(3, 1, 1) * 255
    assert levels_apart.max() < 1.5 and levels_apart.mean() < 0.5


def test_normalised_once_with_the_weights_own_numbers() -> None:
    prepare = Preprocessing((8, 8), MEAN, STD, "bicubic", "squash")
    out = prepare(torch.tensor([-1.0, 0.0, 5.0]).view(3, 1, 1, 1).expand(3, 3, 8, 8))
    for row, level in zip(out, (0.0, 0.5, 1.0), strict=True):
        expected = (level - torch.tensor(MEAN)) / torch.tensor(STD)
        torch.testing.assert_close(row[:, 4, 4], expected)


FULL = {"mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": "squash"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"mean": None}, "lacks mean"),
        ({"resize_mode": None, "interpolation": ""}, "lacks interpolation, resize_mode"),
        ({"std": [1.0, 1.0]}, "is not three numbers"),
        ({"std": [1.0, 0.0, 1.0]}, "above zero"),
        ({"mean": "grey"}, "preprocess_cfg"),
        ({"interpolation": "nearest"}, "is not one of bicubic, bilinear"),
        ({"resize_mode": "fit"}, "is not one of shortest, longest, squash"),
    ],
)
def test_nothing_is_guessed(change, problem) -> None:
    with pytest.raises(BadWeights, match=problem):
        Preprocessing.read({**FULL, **change}, 32, "test")


def test_one_number_for_all_channels_and_zero_mean() -> None:
    read = Preprocessing.read({**FULL, "mean": 0, "std": 1}, 32, "test")
    assert read.mean == (0.0, 0.0, 0.0) and read.std == (1.0, 1.0, 1.0)
