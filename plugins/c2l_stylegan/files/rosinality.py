"""The ``.pt`` files of rosinality's StyleGAN2, read as inert data.

They hold only tensors: every setting is inferred from their shapes. Training checkpoints hold no
mean latent, so it is estimated as that code estimates it when it draws.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from c2l.errors import BadWeights
from c2l.reading import StoredTensor, TorchFile, read_beginning
from c2l_stylegan.networks.filters import resampling_filter
from c2l_stylegan.networks.mapping import Mapping
from c2l_stylegan.networks.settings import MappingSettings, StyleGAN2Settings

MARKS = (b"to_rgb1.conv.weight", b"input.input")
"""Names that occur in every such file."""

_SAMPLES = 4096
_BATCH = 256
_MOST_LAYERS = 100
_HINT = "Of such files, only those of rosinality's stylegan2-pytorch are supported"


def read(path: Path) -> tuple[StyleGAN2Settings, dict[str, Tensor]]:
    """Read the averaged generator of a checkpoint.

    Raises:
        BadWeights: the file is damaged, contains executable content, or holds another network.
    """
    with TorchFile(path) as file:
        return _Checkpoint(file).convert()


def recognises(path: Path) -> bool:
    """Whether a file is such a checkpoint; looks only at the names in it."""
    names = read_beginning(path)
    return all(mark in names for mark in MARKS)


class _Checkpoint:
    def __init__(self, file: TorchFile) -> None:
        self.file = file
        root = file.root if isinstance(file.root, dict) else {}
        state = root.get("g_ema", root)
        if not isinstance(state, dict) or "to_rgb1.conv.weight" not in state:
            names = ", ".join(name[:40] for name in list(root)[:3] if isinstance(name, str))
            found = _relative(root) or names or "no named tensors"
            raise BadWeights(f"{file.path} holds no generator: it has {found}", hint=_HINT)
        self.stored: dict[str, StoredTensor] = {}
        for name, value in state.items():
            tensor = file.tensor(value)
            if isinstance(name, str) and tensor is not None:
                self.stored[name] = tensor
        self.unused = {name for name in self.stored if name.endswith((".weight", ".bias"))}
        self.average = file.tensor(root.get("latent_avg"))

    def convert(self) -> tuple[StyleGAN2Settings, dict[str, Tensor]]:
        if "iwt.ll" in self.stored:
            raise self.damaged("it is a SWAGAN, which generates wavelets")
        settings = self._settings()
        try:
            tensors = self._tensors(settings)
        except (IndexError, RuntimeError) as error:
            raise self.damaged("the shapes of its tensors do not match") from error
        if self.unused:
            raise self.damaged(f"it also has {min(self.unused)[:80]}, which no StyleGAN2 has")
        if self.average is not None:
            tensors["mapping.w_avg"] = self.file.read(self.average).float().reshape(-1)
        else:
            tensors["mapping.w_avg"] = _estimated(settings, tensors, self)
        return settings, tensors

    def _settings(self) -> StyleGAN2Settings:
        numbers = [
            int(m[1]) for n in self.stored if (m := re.fullmatch(r"to_rgbs\.(\d{1,2})\.bias", n))
        ]
        if sorted(numbers) != list(range(len(numbers))) or len(numbers) > 12:
            raise self.damaged(f"its to_rgbs are numbered {sorted(numbers)[:20]}")
        side = 4 << len(numbers)
        layers = sum(bool(re.fullmatch(r"style\.\d{1,3}\.weight", name)) for name in self.stored)
        if not 1 <= layers <= _MOST_LAYERS:
            raise self.damaged(f"its mapping has {layers} layers")
        w_dim, z_dim = (
            self.shape(f"style.{layers}.weight", 2)[0],
            self.shape("style.1.weight", 2)[1],
        )
        width = self.shape("style.1.weight", 2)[0]
        const = self.shape("input.input", 4)
        channels = {4: const[1]}
        for j in range(len(numbers)):
            channels[8 << j] = self.shape(f"convs.{2 * j + 1}.conv.weight", 5)[1]
        try:
            return StyleGAN2Settings(
                z_dim=z_dim,
                c_dim=0,
                w_dim=w_dim,
                img_resolution=side,
                img_channels=self.shape("to_rgb1.conv.weight", 5)[1],
                mapping=MappingSettings(
                    num_layers=layers,
                    layer_features=width if layers > 1 and width != w_dim else None,
                ),
                channels=channels,
                kernel_size=self.shape("conv1.conv.weight", 5)[3],
                resample_filter=self._taps("convs.0.conv.blur.kernel"),
                const_size=(const[2], const[3]),
            )
        except BadWeights as error:
            raise self.damaged(error.message) from error

    def _taps(self, name: str) -> tuple[Any, ...]:
        if name not in self.stored:
            return (1, 3, 3, 1)
        shape = self.shape(name, 2)
        if max(shape) > 64:
            raise self.damaged(f"{name} has shape {shape}")
        taps = self.read(name)
        usual = torch.outer(torch.tensor([1.0, 3, 3, 1]), torch.tensor([1.0, 3, 3, 1])) / 16
        if taps.shape == usual.shape and torch.allclose(taps, usual):
            return (1, 3, 3, 1)
        return tuple(map(tuple, taps.tolist()))

    def _tensors(self, settings: StyleGAN2Settings) -> dict[str, Tensor]:
        found = {}
        for i in range(settings.mapping.num_layers):
            for leaf in ("weight", "bias"):
                found[f"mapping.fc{i}.{leaf}"] = self.read(f"style.{i + 1}.{leaf}")
        found["synthesis.b4.const"] = self.read("input.input")[0]
        self._layer(found, "synthesis.b4.conv1", "conv1", noise=0, size=settings.const_size)
        self._colours(found, "synthesis.b4.torgb", "to_rgb1")
        for j, r in enumerate(settings.resolutions[1:]):
            for k in (0, 1):
                n = 2 * j + k
                ours, size = f"synthesis.b{r}.conv{k}", settings.size_at(r)
                self._layer(found, ours, f"convs.{n}", noise=n + 1, size=size)
            self._colours(found, f"synthesis.b{r}.torgb", f"to_rgbs.{j}")
            # Each its own: where features have another filter, colours keep the usual one.
            for place, kernel in (
                ("conv0.", f"convs.{2 * j}.conv.blur.kernel"),
                ("", f"to_rgbs.{j}.upsample.kernel"),
            ):
                taps = resampling_filter(self._taps(kernel))
                found[f"synthesis.b{r}.{place}resample_filter"] = taps
        # What does not upsample has the usual filter, and no use for it.
        usual = resampling_filter((1, 3, 3, 1))
        found["synthesis.b4.resample_filter"] = usual
        found |= {f"synthesis.b{r}.conv1.resample_filter": usual for r in settings.resolutions}
        return found

    def _layer(
        self,
        found: dict[str, Tensor],
        ours: str,
        theirs: str,
        *,
        noise: int,
        size: tuple[int, int],
    ) -> None:
        self._modulated(found, ours, theirs)
        found[f"{ours}.bias"] = self.read(f"{theirs}.activate.bias")
        found[f"{ours}.noise_strength"] = self.read(f"{theirs}.noise.weight").sum()
        name = f"noises.noise_{noise}"
        if name in self.stored:
            found[f"{ours}.noise_const"] = self.read(name)[0, 0]
        else:
            # Old checkpoints have none; their noise is fresh, and here the same in each run.
            generator = torch.Generator().manual_seed(noise)
            found[f"{ours}.noise_const"] = torch.randn(size, generator=generator)

    def _colours(self, found: dict[str, Tensor], ours: str, theirs: str) -> None:
        self._modulated(found, ours, theirs)
        found[f"{ours}.bias"] = self.read(f"{theirs}.bias").reshape(-1)

    def _modulated(self, found: dict[str, Tensor], ours: str, theirs: str) -> None:
        found[f"{ours}.weight"] = self.read(f"{theirs}.conv.weight")[0]
        for leaf in ("weight", "bias"):
            found[f"{ours}.affine.{leaf}"] = self.read(f"{theirs}.conv.modulation.{leaf}")

    def shape(self, name: str, ndim: int) -> tuple[int, ...]:
        if name not in self.stored:
            raise self.damaged(f"it has no {name}")
        shape = self.stored[name].shape
        if len(shape) != ndim or not all(shape):
            raise self.damaged(f"{name} has shape {shape}")
        return shape

    def read(self, name: str) -> Tensor:
        if name not in self.stored:
            raise self.damaged(f"it has no {name}")
        self.unused.discard(name)
        tensor = self.file.read(self.stored[name])
        if not tensor.is_floating_point():
            raise self.damaged(f"{name} is {tensor.dtype}, not floating-point")
        return tensor.float()

    def damaged(self, reason: str) -> BadWeights:
        return BadWeights(f"{self.file.path} cannot be read: {reason}", hint=_HINT)


def _relative(root: dict[Any, Any]) -> str:
    """The kind of a well-known checkpoint that has no generator of its own, if it is one."""
    state = root.get("state_dict")
    inside = [key for key in state if isinstance(key, str)] if isinstance(state, dict) else []
    if any(key.startswith("encoder.") for key in inside):
        return "an image encoder such as pSp or e4e"
    return "only a discriminator" if "d" in root else ""


@torch.no_grad()
def _estimated(
    settings: StyleGAN2Settings, tensors: dict[str, Tensor], checkpoint: _Checkpoint
) -> Tensor:
    own = {
        name.removeprefix("mapping."): t for name, t in tensors.items() if name[:8] == "mapping."
    }
    try:
        with torch.device("meta"):
            mapping = Mapping(settings.z_dim, 0, settings.w_dim, settings.mapping)
        mapping.load_state_dict({**own, "w_avg": torch.zeros(settings.w_dim)}, assign=True)
    except RuntimeError as error:
        raise checkpoint.damaged("the shapes in its mapping do not match") from error
    draws = np.random.RandomState(0)
    total = torch.zeros(settings.w_dim, dtype=torch.float64)
    for _ in range(_SAMPLES // _BATCH):
        z = draws.standard_normal((_BATCH, settings.z_dim)).astype(np.float32)
        total += mapping(torch.from_numpy(z)).double().sum(dim=0)
    return (total / _SAMPLES).float()
