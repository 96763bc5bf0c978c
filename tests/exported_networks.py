"""Small generators, exported as people export them: one oddity each."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import c2l
from c2l_exported.generator import Exported, Onnx, TorchExport, TorchScript
from c2l_registry import Reference, Source

WIDTH = 6
CLASSES: dict[str, type[Exported]] = {
    "torchscript": TorchScript,
    "export": TorchExport,
    "onnx": Onnx,
}
ENDINGS = {"torchscript": "pt", "export": "pt2", "onnx": "onnx"}


class Plain(nn.Module):
    """z (B, D) to (B, C, H, W) in [-1, 1]; others change one thing about it."""

    channels, height, width = 3, 8, 8

    def __init__(self, inputs: int = WIDTH) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(7)
        num = self.channels * self.height * self.width
        self.layer = nn.Linear(inputs, num)
        with torch.no_grad():
            self.layer.weight.copy_(torch.randn(num, inputs, generator=generator))
            self.layer.bias.zero_()

    def pixels(self, z: Tensor) -> Tensor:
        size = (self.channels, self.height, self.width)
        return torch.tanh(self.layer(z)).reshape(z.shape[0], *size)

    def forward(self, z: Tensor) -> Tensor:
        return self.pixels(z)


class Grey(Plain):
    channels = 1


class Wide(Plain):
    height, width = 6, 10


class Opaque(Plain):
    channels = 4


class Map(Plain):
    def forward(self, z: Tensor) -> Tensor:
        return self.pixels(z.flatten(1))


class UnitRange(Plain):
    def forward(self, z: Tensor) -> Tensor:
        return (self.pixels(z) + 1) / 2


class Bytes(Plain):
    def forward(self, z: Tensor) -> Tensor:
        return ((self.pixels(z) + 1) * 127.5).round().to(torch.uint8)


class ChannelsLast(Plain):
    def forward(self, z: Tensor) -> Tensor:
        return self.pixels(z).permute(0, 2, 3, 1)


class Flat(Plain):
    def forward(self, z: Tensor) -> Tensor:
        return self.pixels(z).flatten(1)


class Noisy(Plain):
    def forward(self, z: Tensor, noise: Tensor) -> Tensor:
        return (self.pixels(z) + 0.2 * torch.tanh(noise)).clamp(-1, 1)


class Numbered(Plain):
    """Classes by number."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(5, WIDTH)

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        return self.pixels(z + 2 * self.table(label))


class OneHot(Plain):
    """Classes as zeros and a one."""

    def __init__(self) -> None:
        super().__init__(WIDTH + 5)

    def forward(self, z: Tensor, c: Tensor) -> Tensor:
        return self.pixels(torch.cat([z, c], dim=1))


class Unlabelled(Plain):
    """As a StyleGAN without classes."""

    def forward(self, z: Tensor, c: Tensor) -> Tensor:
        return self.pixels(torch.cat([z, c], dim=1))


class Several(Plain):
    """A small picture, a mask, and the picture."""

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        pixels = self.pixels(z)
        return pixels[:, :, ::2, ::2], pixels[:, :1], pixels


class Cut(Plain):
    def forward(self, z: Tensor, truncation_psi: Tensor) -> Tensor:
        return self.pixels(z * truncation_psi)


class Codes(Plain):
    """Takes w+, one code for each of three layers."""

    def forward(self, w: Tensor) -> Tensor:
        weights = torch.tensor([1.0, 0.5, 0.25])
        return self.pixels((w * weights[:, None]).sum(dim=1))


class Constant(Plain):
    def forward(self, z: Tensor) -> Tensor:
        return self.pixels(0 * z + 1)


class Broken(Plain):
    def forward(self, z: Tensor) -> Tensor:
        return self.pixels(z) / (z[:, :1, None, None] * 0)


class Crowd(Plain):
    """Each picture depends on its neighbours, as with batch statistics."""

    def forward(self, z: Tensor) -> Tensor:
        return self.pixels(z - 0.5 * z.mean(dim=0, keepdim=True))


class Random(Plain):
    def forward(self, z: Tensor) -> Tensor:
        return self.pixels(z) * 0.7 + 0.3 * torch.rand_like(self.pixels(z))


def z(batch: int = 2, *shape: int) -> Tensor:
    return torch.randn(batch, *(shape or (WIDTH,)), generator=torch.Generator().manual_seed(1))


def export(
    kind: str,
    module: nn.Module,
    inputs: tuple[Tensor, ...],
    folder: Path,
    *,
    fixed: bool = False,
    toml: str = "",
) -> Path:
    """Export a network, with any batch unless ``fixed``."""
    path = folder / f"g.{ENDINGS[kind]}"
    names = list(module.forward.__annotations__)[: len(inputs)]
    module = module.eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == "torchscript":
            torch.jit.trace(module, inputs, check_trace=False).save(path)  # type: ignore[no-untyped-call]
        elif kind == "export":
            batch = torch.export.Dim("batch", min=1, max=4096)
            axes: Any = None if fixed else tuple({0: batch} if i.ndim else {} for i in inputs)
            torch.export.save(torch.export.export(module, inputs, dynamic_shapes=axes), path)
        else:
            torch.onnx.export(
                module,
                inputs,
                str(path),
                dynamo=False,
                input_names=names,
                dynamic_axes={}
                if fixed
                else {n: {0: "batch"} for n, i in zip(names, inputs, strict=True) if i.ndim},
            )
    if toml:
        path.with_name(path.name + ".toml").write_text(toml, encoding="utf-8")
    return path


def load(path: Path) -> Exported:
    (kind,) = [kind for kind, ending in ENDINGS.items() if path.suffix == f".{ending}"]
    return CLASSES[kind].load(source_of(kind, path))


def source_of(kind: str, path: Path) -> c2l.Source:
    return Source(Reference(kind, str(path)), path, None)
