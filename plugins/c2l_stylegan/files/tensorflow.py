"""NVIDIA's pickles from the time of TensorFlow: StyleGAN2 and StyleGAN2-ADA, first editions.

A file holds three networks (G, D and the averaged Gs), each a list of named variables and of
networks inside it. Convolutions are stored as (height, width, in, out), those that upsample rotated
by half a turn, and the bias of a modulation without the one that is added to it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor

from c2l.reading import Damaged, InertObject, Name
from c2l_stylegan.files.pickled import array_of, plain
from c2l_stylegan.networks.filters import resampling_filter
from c2l_stylegan.networks.settings import MappingSettings, StyleGAN2Settings

_NETWORK = Name("dnnlib.tflib.network", "Network")
_FIRST_VERSION = 4
_DEEPEST = 4
_MOST_BLOCKS = 14
# Without effect on the images, or known from the tensors themselves.
_NOT_ASKED = frozenset(
    {"truncation_psi", "truncation_cutoff", "style_mixing_prob", "structure", "conditioning"}
    | {"fused_modconv", "num_fp16_res", "w_avg_beta", "fmap_base", "fmap_max", "func_name"}
    | {"label_fmaps", "mapping_fmaps", "mapping_layers", "latent_size", "dlatent_size"}
    | {"num_channels", "label_size"}
    | {"init_res"}  # of a repository with rectangular images; the constant tells
)
_ASKED = frozenset(
    {"resolution", "conv_clamp", "architecture", "resample_kernel", "use_noise", "nonlinearity"}
    | {"mapping_nonlinearity", "mapping_lrmul"}
)


def is_network(root: Any) -> bool:
    """Whether a pickle holds networks of TensorFlow: ``(G, D, Gs)``, or one alone."""
    return isinstance(root, tuple) or _state(root) is not None


def convert(root: Any) -> tuple[StyleGAN2Settings, dict[str, Tensor]]:
    """Settings and tensors of the averaged generator of ``(G, D, Gs)``, or of one network.

    Raises:
        Damaged: it is another network, or too old.
    """
    last = root[2] if isinstance(root, tuple) and len(root) == 3 else root
    state = _state(last)
    if state is None:
        raise Damaged("it is a pickle, but not of (G, D, Gs)")
    version = state.get("version")
    if not isinstance(version, int) or version < _FIRST_VERSION:
        raise Damaged(f"it is a network of version {version}: a StyleGAN1 or ProGAN")
    variables = dict(_variables(state, "", 0))
    if any("LabelConcat" in name for name in variables):
        raise Damaged("it is a conditional network of the original StyleGAN2, with LabelConcat")
    if "mapping/Dense0/weight" not in variables or "synthesis/4x4/Const/const" not in variables:
        raise Damaged(
            f"it is the network {str(plain(state.get('name')))[:40]}, not a StyleGAN2 generator"
        )
    kwargs = plain(state.get("static_kwargs")) or {}
    unknown = kwargs.keys() - _NOT_ASKED - _ASKED
    if unknown:
        raise Damaged(f"it has unknown settings: {', '.join(sorted(unknown))[:200]}")
    num_blocks = sum(name.endswith(("/Conv/weight", "/Conv1/weight")) for name in variables)
    if not 1 <= num_blocks <= _MOST_BLOCKS:
        raise Damaged(f"it has {num_blocks} blocks")
    side = 2 << num_blocks
    told = kwargs.get("resolution", side)
    if told != side:
        raise Damaged(f"its resolution is {str(told)[:40]}, but it has {num_blocks} blocks")
    _place_colours(variables, kwargs, side)
    tensors = _tensors(variables, kwargs, side)
    return _settings(tensors, kwargs, side), tensors


def _place_colours(variables: dict[str, Any], kwargs: dict[str, Any], side: int) -> None:
    # The oldest ones name the colours by their level of detail, and draw with the finest alone.
    for name in list(variables):
        match = re.fullmatch(r"synthesis/ToRGB_lod(\d{1,2})/(\w+)", name)
        if match:
            r = side >> int(match[1])
            variables[f"synthesis/{r}x{r}/ToRGB/{match[2]}"] = variables.pop(name)
            kwargs["architecture"] = "orig"


def _settings(tensors: dict[str, Tensor], kwargs: dict[str, Any], side: int) -> StyleGAN2Settings:
    names = {r: f"synthesis.b{r}.conv1.weight" for r in _sides(side)}
    channels = {r: len(tensors[name]) for r, name in names.items() if name in tensors}
    fc = [name for name in tensors if re.fullmatch(r"mapping\.fc\d+\.weight", name)]
    w_dim = len(tensors[f"mapping.fc{len(fc) - 1}.weight"])
    embedded = tensors.get("mapping.embed.weight")
    embed_features, c_dim = (0, 0) if embedded is None else embedded.shape
    width, inputs = tensors["mapping.fc0.weight"].shape
    torgb = tensors.get(f"synthesis.b{side}.torgb.weight")
    const = tensors.get("synthesis.b4.const")
    if torgb is None or const is None or const.ndim != 3:
        raise Damaged(f"it has no ToRGB at {side}x{side}" if torgb is None else "it has no Const")
    return StyleGAN2Settings(
        z_dim=inputs - embed_features,
        c_dim=c_dim,
        w_dim=w_dim,
        img_resolution=side,
        img_channels=len(torgb),
        mapping=MappingSettings(
            num_layers=len(fc),
            lr_multiplier=_real(kwargs.get("mapping_lrmul", 0.01)),
            activation=str(kwargs.get("mapping_nonlinearity", "lrelu")),
            embed_features=embed_features if embed_features not in (0, w_dim) else None,
            layer_features=width if len(fc) > 1 and width != w_dim else None,
            has_average="mapping.w_avg" in tensors,
        ),
        channels=channels,
        architecture=_architecture(kwargs),
        resample_filter=_taps(kwargs),
        use_noise="synthesis.b4.conv1.noise_const" in tensors,
        activation=str(kwargs.get("nonlinearity", "lrelu")),
        kernel_size=tensors["synthesis.b4.conv1.weight"].shape[-1],
        const_size=(const.shape[1], const.shape[2]),
        conv_clamp=None if (clamp := kwargs.get("conv_clamp")) is None else _real(clamp),
    )


def _tensors(variables: dict[str, Any], kwargs: dict[str, Any], side: int) -> dict[str, Tensor]:
    architecture = _architecture(kwargs)
    use_noise = kwargs.get("use_noise", True) is not False
    found: dict[str, Tensor] = {}

    def take(ours: str, theirs: str, change: Callable[[Tensor], Tensor] = _same) -> None:
        if theirs in variables:
            found[ours] = change(array_of(variables[theirs], theirs))

    take("mapping.w_avg", "dlatent_avg")
    dense = {"mapping.embed": "mapping/LabelEmbed"}
    count = sum(bool(re.fullmatch(r"mapping/Dense\d+/weight", name)) for name in variables)
    dense.update({f"mapping.fc{i}": f"mapping/Dense{i}" for i in range(count)})
    for ours, theirs in dense.items():
        take(f"{ours}.weight", f"{theirs}/weight", _transposed)
        take(f"{ours}.bias", f"{theirs}/bias")
    take("synthesis.b4.const", "synthesis/4x4/Const/const", lambda t: t[0])

    taps, usual = resampling_filter(_taps(kwargs)), resampling_filter((1, 3, 3, 1))
    for index, r in enumerate(_sides(side)):
        block, folder = f"synthesis.b{r}", f"synthesis/{r}x{r}"
        layers = {"conv1": ("Conv" if r == 4 else "Conv1", _convolution)}
        if r > 4:
            layers["conv0"] = ("Conv0_up", _turned)
        if architecture == "skip" or r == side:
            layers["torgb"] = ("ToRGB", _convolution)
        for name, (tf_name, kernel) in layers.items():
            ours, theirs = f"{block}.{name}", f"{folder}/{tf_name}"
            take(f"{ours}.weight", f"{theirs}/weight", kernel)
            take(f"{ours}.bias", f"{theirs}/bias")
            take(f"{ours}.affine.weight", f"{theirs}/mod_weight", _transposed)
            take(f"{ours}.affine.bias", f"{theirs}/mod_bias", lambda t: t + 1)
            if name == "torgb":
                continue
            # What does not upsample has the usual filter, and no use for it.
            found[f"{ours}.resample_filter"] = taps if name == "conv0" else usual
            if use_noise:
                number = 2 * index - (name == "conv0")
                take(f"{ours}.noise_strength", f"{theirs}/noise_strength")
                take(f"{ours}.noise_const", f"synthesis/noise{number}", lambda t: t[0, 0])
        found[f"{block}.resample_filter"] = taps
        if architecture == "resnet" and r > 4:
            take(f"{block}.skip.weight", f"{folder}/Skip/weight", _turned)
            found[f"{block}.skip.resample_filter"] = taps
    for needed in ("mapping.fc0.weight", "synthesis.b4.conv1.weight"):
        if needed not in found or found[needed].ndim < 2:
            raise Damaged(f"it has no {needed}")
    return found


def _same(tensor: Tensor) -> Tensor:
    return tensor


def _transposed(tensor: Tensor) -> Tensor:
    return tensor.T


def _convolution(tensor: Tensor) -> Tensor:
    return tensor.permute(3, 2, 0, 1)


def _turned(tensor: Tensor) -> Tensor:
    return tensor.flip((0, 1)).permute(3, 2, 0, 1)


def _sides(side: int) -> list[int]:
    return [2**i for i in range(2, side.bit_length())]


def _architecture(kwargs: dict[str, Any]) -> str:
    return str(kwargs.get("architecture", "skip"))[:40]


def _taps(kwargs: dict[str, Any]) -> tuple[float, ...]:
    taps = kwargs.get("resample_kernel", [1, 3, 3, 1])
    if taps is None:
        return (1,)
    if not isinstance(taps, list) or not 0 < len(taps) <= 64:
        raise Damaged("its resample_kernel is not a filter")
    return tuple(map(_real, taps))


def _real(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Damaged(f"one of its numbers is {str(value)[:40]}")
    return value


def _variables(state: dict[Any, Any], prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    variables, components = state.get("variables"), state.get("components")
    for pair in variables if isinstance(variables, list) else []:
        if isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], str):
            yield prefix + pair[0], pair[1]
    if isinstance(components, InertObject):
        components = components.items
    if depth < _DEEPEST and isinstance(components, dict):
        for name, component in list(components.items())[:20]:
            inner = _state(component)
            if inner is not None and isinstance(name, str):
                yield from _variables(inner, f"{prefix}{name}/", depth + 1)


def _state(value: Any) -> dict[Any, Any] | None:
    if isinstance(value, InertObject) and value.cls == _NETWORK and isinstance(value.state, dict):
        return value.state
    return None
