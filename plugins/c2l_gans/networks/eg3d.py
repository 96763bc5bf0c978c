"""EG3D (Chan et al. 2022, arXiv:2112.07945): a StyleGAN2 that paints three crossed planes of
features, which are looked at from a camera, and enlarged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from c2l.errors import BadWeights
from c2l_gans.networks.camera import Camera
from c2l_gans.networks.radiance import Decoder, March, Planes, seen
from c2l_gans.networks.settings import SIDE, WIDTH, NetworkSettings, Range
from c2l_stylegan.shared import (
    Block,
    ModulatedConv,
    NoiseMaps,
    Scratch,
    StyleGAN2Settings,
    Synthesis2,
    drawn_by,
    records_gradients,
    resampling_filter,
)
from c2l_stylegan.shared import Mapping as MappingNetwork

_NUM_PLANES = 3
_LABEL = 25
_COLOURS = 3


@dataclass(frozen=True)
class EG3DSettings(NetworkSettings):
    """Everything that decides the network besides its weights.

    Args:
        base: the StyleGAN2 that paints the planes.
        camera: where pictures are taken from, unless another one is given.
        told: what the mapping's label, that of a frontal camera, is multiplied by; 0 for networks
            whose training hid the camera from it.
        axes: for each plane, which axes of the world run along its width and its height.
        box, near, far, coarse, fine, is_white: as in ``Planes`` and ``March``.
        hidden: the width of the decoder.
        features: what it gives of a place; the first three are colours.
        raw_side: rays along each side of the picture before it is enlarged.
        input_side: what that is resized to for the first layer that enlarges.
        antialias: how.
        widths: of the two blocks that enlarge. The last one doubles the size, the first only
            where ``resolution`` is four times ``input_side``.
        resolution: of the pictures.
        noise: whether those blocks have noise.
        clamp: what their features are clamped to.
    """

    RANGES: ClassVar[Mapping[str, Range]] = {
        **{"told": (0, 1 << 16), "axes": (0, 2)},
        **{"box": (1e-6, 1e6), "near": (0, 1e6), "far": (1e-6, 1e6)},
        **{"coarse": (4, 1 << 12), "fine": (1, 1 << 12)},
        **{"hidden": WIDTH, "features": (_COLOURS, 1 << 12), "widths": WIDTH},
        **{"raw_side": (1, 1 << 11), "input_side": SIDE, "resolution": SIDE},
        "clamp": (1e-3, 1e9),
    }

    base: StyleGAN2Settings
    camera: Camera
    told: float
    axes: tuple[tuple[int, int], ...]
    box: float
    near: float
    far: float
    coarse: int
    fine: int
    is_white: bool
    hidden: int
    features: int
    raw_side: int
    input_side: int
    antialias: bool
    widths: tuple[int, int]
    resolution: int
    noise: bool
    clamp: float | None

    def __post_init__(self) -> None:
        super().__post_init__()
        planes = len(self.axes) == _NUM_PLANES and all(len(set(pair)) == 2 for pair in self.axes)
        if not planes or self.base.img_channels % _NUM_PLANES or self.base.c_dim != _LABEL:
            raise BadWeights("an EG3D has three planes, and is told 25 numbers of its camera")
        if len(self.widths) != 2 or self.resolution not in (
            2 * self.input_side,
            4 * self.input_side,
        ):
            raise BadWeights(
                f"an EG3D does not enlarge {self.input_side} to {self.resolution} px in two steps"
            )

    @property
    def z_dim(self) -> int:
        """Width of the noise."""
        return self.base.z_dim

    @property
    def num_classes(self) -> int:
        """It is told a camera, but no class."""
        return 0

    @property
    def march(self) -> March:
        """How rays are followed."""
        return March(self.near, self.far, self.coarse, self.fine, self.is_white)

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Read what ``to_dict`` wrote.

        Raises:
            BadWeights: something is missing, unknown or out of range.
        """
        given = data if isinstance(data, dict) else {}
        base, camera = given.get("base"), given.get("camera")
        if not isinstance(base, dict) or not isinstance(camera, dict):
            raise BadWeights("the settings of the network lack base or camera")
        try:
            read = Camera(**camera)
        except (TypeError, ValueError) as error:
            raise BadWeights(f"the settings of the network have no camera: {error}") from error
        base = StyleGAN2Settings.from_dict(base)
        return super().from_dict({**given, "base": base, "camera": read})

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON can hold them."""
        return {**super().to_dict(), "base": self.base.to_dict()}


class SameSize(Block):
    """A block of StyleGAN2 that does not double the size."""

    def __init__(self, resolution: int, settings: StyleGAN2Settings, taps: Tensor) -> None:
        super().__init__(resolution, settings, taps)
        before, after = settings.channels[resolution // 2], settings.channels[resolution]
        self.conv0 = ModulatedConv(
            before, after, up=1, resolution=resolution, taps=taps, settings=settings
        )

    def over(self, image: Tensor | None, drawn: Tensor) -> Tensor:
        """The picture up to now, with what this block has drawn added."""
        return drawn if image is None else image + drawn


class Enlarging(nn.Module):
    """Two blocks of StyleGAN2 that take what rays saw to a picture."""

    def __init__(self, settings: EG3DSettings) -> None:
        super().__init__()
        sides = settings.resolution // 2, settings.resolution
        blocks = StyleGAN2Settings(
            z_dim=settings.z_dim,
            c_dim=0,
            w_dim=settings.base.w_dim,
            img_resolution=settings.resolution,
            img_channels=_COLOURS,
            channels={
                sides[0] // 2: settings.features,
                **dict(zip(sides, settings.widths, strict=True)),
            },
            use_noise=settings.noise,
            conv_clamp=settings.clamp,
        )
        taps = resampling_filter(blocks.resample_filter)
        self.side, self.antialias = settings.input_side, settings.antialias
        doubles = settings.resolution == 4 * settings.input_side
        self.block0 = (Block if doubles else SameSize)(sides[0], blocks, taps)
        self.block1 = Block(sides[1], blocks, taps)

    def forward(self, seen: Tensor, w: Tensor) -> Tensor:
        """Features (B, C, h, w), the first three of which are colours, and codes (B, w_dim)."""
        if seen.shape[-1] != self.side:
            size = self.side, self.side
            seen = F.interpolate(seen, size, mode="bilinear", antialias=self.antialias)
        x = seen.contiguous(memory_format=torch.channels_last)
        ws = w[:, None].expand(-1, 3, -1)
        steps = [(block, ws, self._noises(block, ws)) for block in (self.block0, self.block1)]
        return drawn_by(steps, x, seen[:, :_COLOURS], Scratch(w))[-1]

    @staticmethod
    def _noises(block: Block, ws: Tensor) -> list[Tensor | None]:
        maps = NoiseMaps("const", ws)
        convs = (block.conv0, block.conv1)
        return [maps.next(conv.noise_const if conv.use_noise else None) for conv in convs]


class EG3DNetwork(nn.Module):
    """``mapping`` takes z to w, ``synthesis`` w to planes, which ``forward`` looks at."""

    def __init__(self, settings: EG3DSettings) -> None:
        super().__init__()
        base = settings.base
        self.settings = settings
        self.mapping = MappingNetwork(base.z_dim, base.c_dim, base.w_dim, base.mapping)
        self.synthesis = Synthesis2(base)
        self.decoder = Decoder(base.img_channels // _NUM_PLANES, settings.hidden, settings.features)
        self.enlarging = Enlarging(settings)
        self.num_ws, self.w_dim = self.synthesis.num_ws, base.w_dim

    def mapped(self, z: Tensor) -> Tensor:
        """z (B, z_dim) to w (B, w_dim), for the frontal camera: so w is the same from all sides."""
        label = self.settings.camera.frontal.label().to(z) * self.settings.told
        w: Tensor = self.mapping(z, label.expand(len(z), -1))
        return w

    def forward(self, ws: Tensor, camera: Camera) -> Tensor:
        """Codes (B, num_ws, w_dim) to pictures (B, 3, H, W)."""
        with torch.set_grad_enabled(records_gradients(self, ws)):
            return torch.cat([self._picture(row, camera) for row in ws.split(1)])

    def _picture(self, ws: Tensor, camera: Camera) -> Tensor:
        settings, side = self.settings, self.settings.raw_side
        painted = self.synthesis(ws)[0].unflatten(0, (_NUM_PLANES, -1))
        start, directions = (tensor.to(ws) for tensor in camera.rays(side))
        planes = Planes(painted, settings.axes, settings.box)
        light = seen(planes, self.decoder, start, directions, settings.march)
        raw = light.T.reshape(1, -1, side, side)
        return self.enlarging(raw, ws[:, -1])  # type: ignore[no-any-return]
