"""The fast paths of StyleGAN2 on CPUs give what the plain ones give."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from c2l_stylegan.cpu import winograd
from c2l_stylegan.cpu.winograd import Winograd
from c2l_stylegan.generator import StyleGAN
from c2l_stylegan.networks import stylegan2, stylegan2_strips
from c2l_stylegan.networks.settings import StyleGAN2Settings


def network(**changes: Any) -> Any:
    """A network whose zeros were given values, lest their use go unchecked."""
    arguments: dict[str, Any] = {
        "z_dim": 16,
        "c_dim": 0,
        "w_dim": 16,
        "img_resolution": 32,
        "img_channels": 3,
        "channel_max": 16,
        **changes,
    }
    made = StyleGAN.initialised(StyleGAN2Settings(**arguments)).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(1)
    for parameter in made.parameters():
        if not parameter.any():
            parameter.normal_(std=0.3, generator=generator)
    return made


def latents(made: Any, num: int = 1) -> Tensor:
    return torch.randn(num, made.num_ws, 16, generator=torch.Generator().manual_seed(2))


def close(actual: list[Tensor], expected: list[Tensor]) -> None:
    for one, other in zip(actual, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=2e-5 * float(other.std()))


SETTINGS: list[dict[str, Any]] = [
    {},
    {"architecture": "orig"},
    {"conv_clamp": 0.7},
    {"activation": "swish"},
    {"use_noise": False},
    {"kernel_size": 1},
    {"kernel_size": 5},
    {"resample_filter": (1, 2, 1)},
    {"resample_filter": (1, 2, 3, 2, 1)},
    {"resample_filter": (1, 4, 6, 8, 8, 6, 4, 1, 1)},
    {"resample_filter": ((1, 3, 3, 1), (3, 8, 9, 3), (3, 9, 8, 3), (2, 3, 3, 1))},
    {"resample_filter": ((1, 3, 3, 1), (3, 8, 9, 3), (2, 3, 3, 1))},
    {"const_size": (6, 4)},
    {"img_channels": 1},
]


@pytest.mark.parametrize(
    ("changes", "noise"),
    [*((changes, "random") for changes in SETTINGS), ({}, "const"), ({}, "none")],
    ids=str,
)
def test_strips_give_the_same_images(
    changes: dict[str, Any], noise: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = network(**changes)
    ws = latents(made)
    expected = made.synthesis.images(ws, noise=noise)
    drawn_in_strips = []

    def watched(*arguments: Any, original: Any = stylegan2_strips.draw) -> list[Tensor]:
        drawn_in_strips.append(len(arguments[2]))
        images: list[Tensor] = original(*arguments)
        return images

    monkeypatch.setattr(stylegan2_strips, "draw", watched)
    monkeypatch.setattr(stylegan2_strips, "_BYTES", 4000)
    close(made.synthesis.images(ws, noise=noise), expected)
    assert drawn_in_strips == [2]
    monkeypatch.setattr(stylegan2_strips, "num_workers", lambda: 3)
    monkeypatch.setattr(stylegan2_strips, "_FEWEST_ROWS", 2)
    close(made.synthesis.images(ws, noise=noise), expected)
    if changes.get("architecture") != "orig":
        close(made.synthesis.images(ws, noise=noise, until=16), expected[:-1])


@pytest.mark.parametrize(
    "changes", [{"architecture": "resnet"}, {"resample_filter": (1,)}], ids=str
)
def test_what_does_not_fit_strips_is_drawn_whole(
    changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = network(**changes)
    ws = latents(made)
    expected = made.synthesis.images(ws)
    monkeypatch.setattr(stylegan2_strips, "_BYTES", 4000)
    monkeypatch.setattr(stylegan2_strips, "draw", None)
    close(made.synthesis.images(ws), expected)


def test_gradients_pass_where_strips_would_be_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stylegan2_strips, "_BYTES", 4000)
    made = network()
    ws = latents(made).requires_grad_()
    (slope,) = torch.autograd.grad(made.synthesis(ws).square().sum(), ws)
    assert slope.abs().sum(dim=(0, 2)).gt(0).all()


def wide(**changes: Any) -> Any:
    """Enough channels and pixels for Winograd's algorithm."""
    return network(channel_max=128, **changes)


@pytest.mark.parametrize("bytes_of_a_strip", [None, 1 << 16])
def test_winograd_is_used_and_right(
    bytes_of_a_strip: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = wide()
    ws = latents(made, 2 if bytes_of_a_strip is None else 1)
    if bytes_of_a_strip is not None:
        monkeypatch.setattr(stylegan2_strips, "_BYTES", bytes_of_a_strip)
    heights = []

    def watched(*arguments: Any, original: Any = Winograd.rows) -> Tensor:
        heights.append(arguments[4] - arguments[3])
        rows: Tensor = original(*arguments)
        return rows

    monkeypatch.setattr(Winograd, "rows", watched)
    fast = made.synthesis.images(ws)
    assert sum(heights) == 32 * len(ws)
    assert (len(heights) > len(ws)) == (bytes_of_a_strip is not None)
    num = len(heights)
    monkeypatch.setattr(winograd, "_TILES_AT_ONCE", 24)
    close(fast, made.synthesis.images(ws))
    assert sum(heights[num:]) == 32 * len(ws) and max(heights[num:]) <= 12
    monkeypatch.setattr(Winograd, "is_faster", lambda weight, pixels: False)
    close(fast, made.synthesis.images(ws))


def test_changed_weights_count_at_once() -> None:
    made = wide()
    ws = latents(made)
    made.synthesis(ws)
    for change in (lambda weight: weight.mul_(-0.5), lambda weight: weight[3].numpy().sort()):
        for layer in (made.synthesis.b32.conv0, made.synthesis.b32.conv1):
            change(layer.weight.data)
        fast = made.synthesis(ws)
        plain = made.synthesis(ws.clone().requires_grad_()).detach()
        close([fast], [plain])


def test_inference_mode_leaves_nothing_behind() -> None:
    made = wide()
    ws = latents(made)
    with torch.inference_mode():
        within = wide().synthesis(ws.clone())
        assert torch.equal(made.synthesis(ws), within)
    assert torch.equal(made.synthesis(ws), within)
    recorded = made.synthesis(ws.requires_grad_())
    recorded.sum().backward()
    close([within], [recorded.detach()])


@pytest.mark.parametrize("gradients", [False, True])
def test_nothing_given_is_changed(gradients: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stylegan2_strips, "_BYTES", 1 << 16)
    made = wide()
    ws = latents(made).requires_grad_(gradients)
    tensors = [ws, *made.state_dict().values()]
    before = [(tensor._version, tensor.detach().clone()) for tensor in tensors]
    first = made.synthesis.images(ws)
    kept = [image.detach().clone() for image in first]
    made.synthesis.images(ws + 1)
    for tensor, (version, values) in zip(tensors, before, strict=True):
        assert tensor._version == version
        assert torch.equal(tensor, values)
    assert all(torch.equal(image, values) for image, values in zip(first, kept, strict=True))


@pytest.mark.parametrize("noise", ["const", "random"])
def test_an_image_is_the_same_in_any_batch(noise: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = network()
    ws = latents(made, 5)
    together = made.synthesis.images(ws, noise=noise)
    alone = [made.synthesis.images(row[None], noise=noise) for row in ws]
    expected = [torch.cat(images) for images in zip(*alone, strict=True)]
    close(together, expected)
    monkeypatch.setattr(stylegan2, "_BYTES_AT_ONCE", 2 * made.synthesis.b32.conv1.num_bytes())
    close(made.synthesis.images(ws, noise=noise), expected)


def test_no_images() -> None:
    made = network()
    assert made.synthesis(latents(made)[:0]).shape == (0, 3, 32, 32)


def test_strips_of_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    made = network()
    ws = latents(made)
    made.synthesis.feature_dtype = torch.bfloat16
    expected = made.synthesis(ws)
    monkeypatch.setattr(stylegan2_strips, "_BYTES", 4000)
    for below in (16, 8):  # in and below the resolutions that are bfloat16
        monkeypatch.setattr(
            stylegan2_strips, "is_faster", lambda block, x, r=below: block.conv1.resolution >= r
        )
        rough = made.synthesis(ws)
        difference = (rough - expected).square().mean().sqrt() / expected.std()
        assert 0 < difference < 0.02
