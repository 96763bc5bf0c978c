"""Everything that decides a network besides its weights.

Two frozen dataclasses, one for each family, made from the init arguments that NVIDIA's two
repositories write beside their weights, or from this project's own metadata. The repositories
leave defaults out of what they write, and their defaults differ, so each is filled in here with
the defaults of the repository that wrote it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeAlias

from c2l.errors import BadWeights
from c2l_stylegan.networks.activations import ACTIVATIONS

Family: TypeAlias = Literal["stylegan2", "stylegan3"]

# Arguments of the official constructors that change how a network is computed or trained, never
# what it computes in float32.
_NO_EFFECT = frozenset(
    {"num_fp16_res", "fp16_channels_last", "fused_modconv_default", "w_avg_beta"}
    | {"magnitude_ema_beta"}
    | {"square", "init_res"}  # of repositories with rectangular images; the constant tells
)


# The largest that any network has, with much to spare: descriptions are not trusted.
_LARGEST = {
    **{"z_dim": 1 << 16, "c_dim": 1 << 20, "w_dim": 1 << 16, "img_channels": 1 << 10},
    **{"img_resolution": 1 << 16, "channel_base": 1 << 32, "channel_max": 1 << 32},
    **{"num_layers": 100, "embed_features": 1 << 16, "layer_features": 1 << 16},
    **{"kernel_size": 64, "conv_kernel": 64, "num_critical": 100, "margin_size": 1 << 12},
    **{"filter_size": 64, "lrelu_upsampling": 64},
}
_POSITIVE = frozenset({"first_cutoff", "first_stopband", "last_stopband_rel"})
_REAL = _POSITIVE | {"lr_multiplier", "conv_clamp", "output_scale"}
_MOST_TAPS = 64


@dataclass(frozen=True)
class MappingSettings:
    """The mapping network, z (and a class label) to w.

    Args:
        num_layers: number of fully connected layers.
        lr_multiplier: the factor by which stored weights are larger than those in effect.
        embed_features: width of the embedded label; None is w_dim.
        layer_features: width of the layers between; None is w_dim.
        activation: one of ``activations.ACTIVATIONS``.
        has_average: whether the mean latent ``w_avg`` is stored.
    """

    num_layers: int = 8
    lr_multiplier: float = 0.01
    embed_features: int | None = None
    layer_features: int | None = None
    activation: str = "lrelu"
    has_average: bool = True

    def __post_init__(self) -> None:
        _check_numbers(self)


@dataclass(frozen=True)
class StyleGAN2Settings:
    """A StyleGAN2 (Karras et al. 2020); names are those of the official constructors.

    Args:
        channels: feature maps at each resolution; without it, the official rule
            ``min(channel_base // resolution, channel_max)`` fills it in.
        const_size: height and width of the constant that the first block starts from. Each
            further block doubles both; where they are not 4, its name and ``img_resolution``
            are what they would be if they were.
        conv_clamp: features are clamped to plus and minus this; None for no clamp.
        resample_filter: the taps of the low-pass filter, one row or (for a filter that is not
            separable) several.
    """

    z_dim: int
    c_dim: int
    w_dim: int
    img_resolution: int
    img_channels: int
    mapping: MappingSettings = field(default_factory=MappingSettings)
    channel_base: int = 32768
    channel_max: int = 512
    channels: Mapping[int, int] = field(default_factory=dict)
    architecture: str = "skip"
    resample_filter: tuple[Any, ...] = (1, 3, 3, 1)
    use_noise: bool = True
    activation: str = "lrelu"
    kernel_size: int = 3
    conv_clamp: float | None = None
    const_size: tuple[int, int] = (4, 4)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the images."""
        return self.size_at(self.img_resolution)

    def size_at(self, resolution: int) -> tuple[int, int]:
        """Height and width of what the block of this resolution puts out."""
        height, width = self.const_size
        return height * resolution // 4, width * resolution // 4

    @property
    def resolutions(self) -> list[int]:
        """Widths of the blocks: 4, 8, ... up to the image's."""
        return [2**i for i in range(2, int(math.log2(self.img_resolution)) + 1)]

    def __post_init__(self) -> None:
        _check_numbers(self)
        side = self.img_resolution
        if side < 4 or side & (side - 1):
            raise BadWeights(f"img_resolution of a StyleGAN2 must be 4, 8, 16, ..., not {side}")
        if self.architecture not in ("skip", "resnet", "orig"):
            raise BadWeights(
                f"unknown architecture {self.architecture!r}: not skip, resnet or orig"
            )
        filled = {r: min(self.channel_base // r, self.channel_max) for r in self.resolutions}
        filled.update({int(r): int(n) for r, n in self.channels.items()})
        if any(not 0 < filled[r] < 1 << 16 for r in self.resolutions):
            raise BadWeights(f"a network cannot have {max(filled.values())} channels")
        object.__setattr__(self, "channels", {r: filled[r] for r in self.resolutions})
        taps = _as_tuples(self.resample_filter or (1,))
        if not isinstance(taps, tuple) or len(taps) > _MOST_TAPS:
            raise BadWeights(f"resample_filter is not a filter: {str(taps)[:40]}")
        object.__setattr__(self, "resample_filter", taps)
        object.__setattr__(self, "const_size", _checked_size(self.const_size))

    @classmethod
    def from_init_kwargs(cls, kwargs: Mapping[str, Any], *, repo: str = "") -> Self:
        """Read the init arguments of ``Generator`` in stylegan2-ada-pytorch or stylegan3.

        ``repo`` is "ada" or "sg3" where it is known; the nested ``synthesis_kwargs`` of the
        former settle it otherwise.
        """
        flat = dict(kwargs)
        is_ada = repo == "ada" or "synthesis_kwargs" in flat
        flat.update(flat.pop("synthesis_kwargs", {}))
        flat.update(flat.pop("block_kwargs", {}))
        flat.update(flat.pop("layer_kwargs", {}))
        flat.setdefault("conv_clamp", None if is_ada else 256)
        mapping = _mapping(flat.pop("mapping_kwargs", {}), num_layers=8)
        return cls(**_checked(cls, {**_effective(flat), "mapping": mapping}))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what ``to_dict`` wrote."""
        mapping = _checked(MappingSettings, data.get("mapping", {}))
        return cls(**_checked(cls, {**data, "mapping": MappingSettings(**mapping)}))

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON can hold them."""
        data = dataclasses.asdict(self)
        data["channels"] = {str(r): n for r, n in self.channels.items()}
        if self.const_size == (4, 4):
            del data["const_size"]  # as in files from before it was known
        return data


@dataclass(frozen=True)
class Signal:
    """What flows between two layers of a StyleGAN3.

    Args:
        cutoff, half_width: where its band ends and half the width of that transition, in cycles
            per image.
        sampling_rate: in samples per image.
        size: height and width in samples, margins included.
    """

    cutoff: float
    half_width: float
    sampling_rate: int
    size: tuple[int, int]
    channels: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", _checked_size(self.size))
        for number in (self.cutoff, self.half_width, self.sampling_rate, self.channels):
            if isinstance(number, bool) or not isinstance(number, int | float) or number <= 0:
                raise BadWeights(f"numbers of a signal must be positive, not {str(number)[:40]}")


@dataclass(frozen=True)
class StyleGAN3Settings:
    """A StyleGAN3 (Karras et al. 2021), configuration T or R; the official names and defaults.

    Args:
        signals: what the first layer takes and puts out, and what each other one puts out,
            num_layers + 1 in all, the colours last; without them, they follow from the rest by
            the paper's rule.
    """

    z_dim: int
    c_dim: int
    w_dim: int
    img_resolution: int
    img_channels: int
    mapping: MappingSettings = field(default_factory=lambda: MappingSettings(num_layers=2))
    channel_base: int = 32768
    channel_max: int = 512
    num_layers: int = 14
    num_critical: int = 2
    first_cutoff: float = 2.0
    first_stopband: float = 2**2.1
    last_stopband_rel: float = 2**0.3
    margin_size: int = 10
    output_scale: float = 0.25
    conv_kernel: int = 3
    filter_size: int = 6
    lrelu_upsampling: int = 2
    use_radial_filters: bool = False
    conv_clamp: float | None = 256
    signals: tuple[Signal, ...] = ()

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the images."""
        side = self.img_resolution
        return self.signals[-1].size if self.signals else (side, side)

    def __post_init__(self) -> None:
        _check_numbers(self)
        if not self.num_critical < self.num_layers:
            raise BadWeights(
                f"num_critical ({self.num_critical}) is not below num_layers ({self.num_layers})"
            )
        if self.signals and len(self.signals) != self.num_layers + 1:
            raise BadWeights(f"signals must be {self.num_layers + 1}, not {len(self.signals)}")

    @classmethod
    def from_init_kwargs(cls, kwargs: Mapping[str, Any], *, repo: str = "") -> Self:
        """Read the init arguments of ``Generator`` in the stylegan3 repository."""
        flat = dict(kwargs)
        flat.update(flat.pop("synthesis_kwargs", {}))
        flat.update(flat.pop("layer_kwargs", {}))
        mapping = _mapping(flat.pop("mapping_kwargs", {}), num_layers=2)
        return cls(**_checked(cls, {**_effective(flat), "mapping": mapping}))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what ``to_dict`` wrote."""
        mapping = MappingSettings(**_checked(MappingSettings, data.get("mapping", {})))
        signals = tuple(Signal(**_checked(Signal, told)) for told in data.get("signals", ()))
        return cls(**_checked(cls, {**data, "mapping": mapping, "signals": signals}))

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON can hold them."""
        data = dataclasses.asdict(self)
        if not self.signals:
            del data["signals"]  # as in files from before they were known
        return data


Settings: TypeAlias = StyleGAN2Settings | StyleGAN3Settings
FAMILIES: dict[str, type[StyleGAN2Settings] | type[StyleGAN3Settings]] = {
    "stylegan2": StyleGAN2Settings,
    "stylegan3": StyleGAN3Settings,
}


def family_of(settings: Settings) -> Family:
    """The family that these are the settings of."""
    return "stylegan2" if isinstance(settings, StyleGAN2Settings) else "stylegan3"


def _mapping(kwargs: Mapping[str, Any], *, num_layers: int) -> MappingSettings:
    given = {"num_layers": num_layers, **_effective(kwargs)}
    has_average = kwargs.get("w_avg_beta", 0.99) is not None
    return MappingSettings(**_checked(MappingSettings, {**given, "has_average": has_average}))


def _effective(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in kwargs.items() if name not in _NO_EFFECT}


def _checked(cls: type[Any], values: Mapping[str, Any]) -> Mapping[str, Any]:
    """``values`` if they are arguments of the dataclass ``cls``, all that have no default."""
    fields = {f.name: f for f in dataclasses.fields(cls)}
    _refuse_unknown({k: v for k, v in values.items() if k not in fields})
    needed = [
        name
        for name, f in fields.items()
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    missing = [name for name in needed if name not in values]
    if missing:
        raise BadWeights(f"the settings of the network are missing {', '.join(missing)}")
    return values


def _refuse_unknown(rest: Mapping[str, Any]) -> None:
    if rest:
        raise BadWeights(
            f"unknown settings of a StyleGAN: {', '.join(sorted(map(str, rest)))}",
            hint="Only the arguments of NVIDIA's own networks are understood",
        )


def _check_numbers(settings: Any) -> None:
    """Refuse what is not a number, sizes that no network has, and unknown activations.

    Raises:
        BadWeights: naming it.
    """
    for f in dataclasses.fields(settings):
        value = getattr(settings, f.name)
        if f.name == "activation" and value not in ACTIVATIONS:
            raise BadWeights(f"unknown activation {str(value)[:40]!r}")
        if f.name not in _LARGEST.keys() | _REAL or (value is None and "None" in str(f.type)):
            continue
        if f.name in _REAL:
            is_real = isinstance(value, int | float) and not isinstance(value, bool)
            if not is_real or not math.isfinite(value) or (f.name in _POSITIVE and value <= 0):
                raise BadWeights(f"{f.name} of a StyleGAN cannot be {str(value)[:40]}")
            continue
        smallest = 0 if f.name in ("c_dim", "margin_size", "num_critical") else 1
        if isinstance(value, float) and value.is_integer():
            value = int(value)
            object.__setattr__(settings, f.name, value)
        if type(value) is not int or not smallest <= value <= _LARGEST[f.name]:
            raise BadWeights(f"{f.name} of a StyleGAN cannot be {str(value)[:40]}")


def _checked_size(value: Any) -> tuple[int, int]:
    """Height and width, if they are what an image can have."""
    sides = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else ()
    if len(sides) != 2 or not all(type(side) is int and 0 < side < 1 << 16 for side in sides):
        raise BadWeights(f"{str(value)[:40]} is not a height and width")
    return sides[0], sides[1]


def _as_tuples(value: Any) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(_as_tuples(item) for item in value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadWeights(f"a filter cannot hold {str(value)[:40]}")
    return value
