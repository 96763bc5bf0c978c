"""Less than float32, and what would be asked of a GPU: computed, or followed, on a CPU."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from c2l.errors import BadInput
from c2l_stylegan.generator import StyleGAN
from c2l_stylegan.networks.settings import Settings, StyleGAN2Settings, StyleGAN3Settings

SIZES: dict[str, Any] = {"z_dim": 16, "c_dim": 0, "w_dim": 16, "img_channels": 3}
FAMILIES: dict[str, Settings] = {
    "2": StyleGAN2Settings(**SIZES, img_resolution=64, channel_max=16, conv_clamp=256),
    "2-resnet": StyleGAN2Settings(
        **SIZES, img_resolution=16, channel_max=16, conv_clamp=256, architecture="resnet"
    ),
    "3-t": StyleGAN3Settings(**SIZES, img_resolution=32, channel_max=8),
    "3-r": StyleGAN3Settings(
        **SIZES, img_resolution=32, channel_max=8, conv_kernel=1, use_radial_filters=True
    ),
}


def network(family: str) -> Any:
    """A network whose zeros were given values, lest their use go unchecked."""
    made = StyleGAN.initialised(FAMILIES[family]).eval().requires_grad_(False)
    rng = torch.Generator().manual_seed(1)
    for parameter in made.parameters():
        if not parameter.any():
            parameter.normal_(std=0.3, generator=rng)
    return made


def latents(made: Any, num: int = 1) -> Tensor:
    return torch.randn(num, made.num_ws, 16, generator=torch.Generator().manual_seed(2))


def error(rough: Tensor, expected: Tensor) -> float:
    return float((rough - expected).square().mean().sqrt() / expected.std())


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize(
    ("dtype", "most"), [(torch.bfloat16, 0.05), (torch.float16, 0.006)], ids=["bf16", "fp16"]
)
def test_less_is_near(family: str, gradients: bool, dtype: torch.dtype, most: float) -> None:
    made = network(family)
    ws = latents(made, 2).requires_grad_(gradients)
    expected = made.synthesis(ws).detach()
    made.synthesis.feature_dtype = dtype
    assert made.synthesis.feature_dtype == dtype
    rough = made.synthesis(ws)
    assert rough.dtype == torch.float32
    assert 0 < error(rough.detach(), expected) < most
    if gradients:
        rough.sum().backward()
        assert ws.grad is not None and ws.grad.isfinite().all()
    made.synthesis.feature_dtype = torch.float32
    assert torch.equal(made.synthesis(ws), expected)


def test_low_resolutions_stay_as_they_are() -> None:
    made = network("2")
    ws = latents(made)
    expected = made.synthesis.images(ws)
    made.synthesis.feature_dtype = torch.bfloat16
    rough = made.synthesis.images(ws)
    assert [torch.equal(a, b) for a, b in zip(rough, expected, strict=True)] == [True] + 4 * [False]


@pytest.mark.parametrize("family", FAMILIES)
def test_large_numbers_do_not_overflow_in_fp16(family: str) -> None:
    """Weights and styles that demodulation divides out again, but only after the sum."""
    made = network(family)
    ws = latents(made, 2)
    expected = made.synthesis(ws)
    for name, module in made.synthesis.named_modules():
        if re.fullmatch(r"b\d+\.conv[01]|L\d+_\d+_8", name):
            for parameter in (module.weight, *module.affine.parameters()):
                parameter *= 300
    assert error(made.synthesis(ws), expected) < 1e-4
    made.synthesis.feature_dtype = torch.float16
    assert error(made.synthesis(ws), expected) < 0.006


def test_what_a_network_cannot_do_is_refused() -> None:
    unclamped = StyleGAN.initialised(StyleGAN2Settings(**SIZES, img_resolution=8))
    with pytest.raises(BadInput, match="not trained for fp16") as caught:
        unclamped.compute_in(torch.float16)
    assert '`precision="bf16"`' in caught.value.hint and caught.value.field == "precision"
    unclamped.compute_in(torch.bfloat16)
    unclamped.compute_in(torch.float32)
    with pytest.raises(BadInput, match="fastest in float32 on a CPU"):
        network("3-t").compute_in(torch.bfloat16)
    network("3-t").compute_in(torch.float32)


def test_fingerprint_and_file_do_not_depend_on_it(tmp_path: Any) -> None:
    made = network("2")
    before = made.fingerprint()
    made.compute_in(torch.bfloat16)
    assert made.fingerprint() == before
    made.save(tmp_path / "a.safetensors")
    made.compute_in(torch.float32)
    made.save(tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_compiler_can_follow_it_whole(family: str) -> None:
    """So that ``synthesis.compile(mode="reduce-overhead")`` makes one CUDA graph of it."""
    made = network(family)
    ws = latents(made)
    compiled = torch.compile(made.synthesis, backend="eager", fullgraph=True)
    with torch.no_grad():
        drawn = compiled(ws)
    assert error(drawn, made.synthesis(ws)) < 1e-5


class OnGpu(TorchDispatchMode):
    """Notes what a GPU would be given: dtypes, and features that do not lie channels last."""

    def __init__(self) -> None:
        super().__init__()
        self.dtypes: set[torch.dtype] = set()
        self.convolved: list[tuple[torch.dtype, bool]] = []

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        if "convolution" in str(func):
            features = args[0]
            is_last = features.is_contiguous(memory_format=torch.channels_last)
            self.convolved.append((features.dtype, is_last))
        made = func(*args, **(kwargs or {}))
        if isinstance(made, Tensor) and made.device.type == "cuda":
            self.dtypes.add(made.dtype)
        return made


@pytest.mark.parametrize("family", FAMILIES)
def test_a_gpu_gets_no_float64_and_channels_last_and_never_waits(family: str) -> None:
    """On tensors that only claim to lie on a GPU; to read a value off one raises."""
    made = network(family)
    with FakeTensorMode(allow_non_fake_inputs=True):
        made.to("cuda")
        for dtype in (torch.float32, torch.float16):
            made.synthesis.feature_dtype = dtype  # compute_in would hash values that are not there
            seen = OnGpu()
            with torch.no_grad(), seen:
                images = made.synthesize(made.sample_latents([1, 2]), truncation=0.7)
            assert images.device.type == "cuda" and images.dtype == torch.float32
            assert seen.dtypes - {torch.int64, torch.bool} == {torch.float32, dtype}
            assert {dtype} <= {found for found, _ in seen.convolved} <= {torch.float32, dtype}
            assert all(is_last for _, is_last in seen.convolved)
