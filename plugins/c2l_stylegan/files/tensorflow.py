"""NVIDIA's pickles from the time of TensorFlow: StyleGAN2 and StyleGAN2-ADA, first editions.

A file holds three networks (G, D and the averaged Gs), each a list of named variables, of networks
inside it, and of the settings that its function was called with. Functions take any setting and
leave aside what they do not know, so files hold many that change nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from c2l.reading import Damaged, InertObject, Name
from c2l_stylegan.files import renaming
from c2l_stylegan.files.layouts import TENSORFLOW
from c2l_stylegan.files.pickled import array_of, plain
from c2l_stylegan.files.renaming import Found
from c2l_stylegan.networks.settings import StyleGAN2Settings

_NETWORKS = {Name("dnnlib.tflib.network", "Network"), Name("tfutil", "Network")}
_FIRST_VERSION = 4
_DEEPEST = 4
_BLOCK = re.compile(r"synthesis/(\d{1,5})x(\d{1,5})/")
_ANOTHER = "convert it with the code that wrote it, or take another snapshot"

_USED = frozenset(
    {"conv_clamp", "architecture", "resample_kernel", "use_noise", "nonlinearity"}
    | {"mapping_nonlinearity", "mapping_lrmul"}
)
# How it was trained, how it was computed, and what the tensors tell themselves.
_WITHOUT_EFFECT = frozenset(
    {"truncation_psi", "truncation_cutoff", "truncation_psi_val", "truncation_cutoff_val"}
    | {"truncation_psi_train", "truncation_cutoff_train", "style_mixing_prob", "w_avg_beta"}
    | {"dlatent_avg_beta", "dlatent_broadcast", "randomize_noise", "return_dlatents"}
    | {"structure", "conditioning", "fused_modconv", "impl", "dtype", "num_fp16_res"}
    | {"is_training", "is_validation", "is_template_graph", "force_clean_graph", "verbose"}
    | {"fmap_base", "fmap_max", "fmap_min", "fmap_decay", "fmap_const", "func_name", "name"}
    | {"mapping_func", "synthesis_func", "label_fmaps", "mapping_fmaps"}
)
# Each with the only value that draws what our network draws.
_FIXED = {
    "normalize_latents": True,
    "normalize_z": True,
    "use_wscale": True,
    "demodulate": True,
    "use_attention": False,
    "use_self_attention": False,
    "final_tanh": False,
    "use_pixel_norm": False,
    "use_instance_norm": False,
    "use_spectral_norm": False,
}


def is_network(root: Any) -> bool:
    """Whether a pickle holds networks of TensorFlow: ``(G, D, Gs)``, or one alone."""
    return isinstance(root, tuple) or _state(root) is not None


@dataclass(frozen=True)
class TensorFlowNetwork:
    """The averaged network of a file.

    Args:
        name: what it was called.
        version: of the format.
        told: what its function was called with.
        variables: by the path of their network and their own name, unread.
        state: all that lies in the file.
    """

    name: str
    version: int
    told: Mapping[str, Any]
    variables: dict[str, Any]
    state: Mapping[Any, Any]

    def require(self, fixed: Mapping[str, Any]) -> None:
        """Refuse settings that have another value than the only one our network draws with.

        Raises:
            Damaged: it was made with another one.
        """
        others = sorted(
            f"{name}={str(self.told[name])[:20]}"
            for name, only in fixed.items()
            if self.told.get(name, only) != only
        )
        if others:
            raise Damaged(f"it was made with {', '.join(others)[:200]}, which draws otherwise")


def network_of(root: Any) -> TensorFlowNetwork:
    """The averaged network of ``(G, D, Gs)``, or the one that is there alone.

    Raises:
        Damaged: it is a pickle of something else.
    """
    last = root[2] if isinstance(root, tuple) and len(root) == 3 else root
    state = _state(last)
    if state is None:
        raise Damaged("it is a pickle, but not of (G, D, Gs)")
    version = state.get("version")
    return TensorFlowNetwork(
        name=str(plain(state.get("name"))),
        version=version if type(version) is int else 0,
        told=plain(state.get("static_kwargs")) or {},
        variables=dict(_variables(state, "", 0)),
        state=state,
    )


def convert(root: Any) -> Found:
    """The averaged generator of ``(G, D, Gs)``, or of one network.

    Raises:
        Damaged: it is another network, or too old.
    """
    network = network_of(root)
    if network.version < _FIRST_VERSION:
        raise Damaged(
            f"it is a network of version {network.version}: a StyleGAN1 or ProGAN, "
            "`stylegan1:FILE` or `progan:FILE`"
        )
    state, variables, told = network.state, network.variables, network.told
    is_generator = any(re.fullmatch(r"synthesis/\d+x\d+/Const/const", name) for name in variables)
    if not is_generator or "mapping/Dense0/weight" not in variables:
        raise Damaged(f"it is the network {network.name[:40]}, not a StyleGAN2 generator")
    network.require(_FIXED)
    _refuse_unknown(told, state)
    architecture = str(told.get("architecture", "skip"))[:40]
    if _place_colours(variables):
        architecture = "orig"
    clamp = told.get("conv_clamp")
    found = renaming.convert(
        TENSORFLOW,
        "",
        variables,
        array_of,
        architecture=architecture,
        taps=_taps(told),
        lr_multiplier=_real(told.get("mapping_lrmul", 0.01)),
        mapping_activation=str(told.get("mapping_nonlinearity", "lrelu")),
        activation=str(told.get("nonlinearity", "lrelu")),
        conv_clamp=None if clamp is None else _real(clamp),
        is_unconditional=told.get("label_size") == 0,
    )
    assert isinstance(found.settings, StyleGAN2Settings)
    _check_sizes(told, found.settings, found.tensors)
    return found


def _refuse_unknown(told: Mapping[str, Any], state: Mapping[Any, Any]) -> None:
    """Refuse settings that nobody here knows, by name.

    A file holds the source code of its network, as a text. A setting that this text does not so
    much as mention was never looked at.
    """
    known = {*_USED, *_WITHOUT_EFFECT, *_FIXED, *_SIZES}
    source = state.get("build_module_src")
    source = source if isinstance(source, str) else _decoded(source)
    function = str(plain(state.get("build_func_name")))
    if f"def {function}(" in source:
        known |= {name for name in told if not re.search(rf"\b{re.escape(name)}\b", source)}
    unknown = sorted(told.keys() - known)
    if unknown:
        raise Damaged(
            f"it was made with settings that are not known: {', '.join(unknown)[:200]}; {_ANOTHER}"
        )


def _decoded(source: Any) -> str:
    return bytes(source).decode(errors="replace") if isinstance(source, memoryview) else ""


_SIZES = (
    *("resolution", "resolution_h", "resolution_w", "res_log2", "min_h", "min_w", "init_res"),
    *("num_channels", "latent_size", "dlatent_size", "label_size", "mapping_layers"),
)


def _check_sizes(
    told: Mapping[str, Any], settings: StyleGAN2Settings, tensors: Mapping[str, Tensor]
) -> None:
    """Refuse a file whose settings tell other sizes than its tensors have."""
    height, width = settings.image_size
    low, narrow = settings.const_size
    sizes: dict[str, tuple[Any, ...]] = {
        "resolution": (height, width, settings.img_resolution),
        "resolution_h": (height, -1),
        "resolution_w": (width, -1),
        "res_log2": (len(settings.resolutions) - 1, int(math.log2(settings.img_resolution))),
        "min_h": (low,),
        "min_w": (narrow,),
        "init_res": ([low, narrow],),
        "num_channels": (settings.img_channels,),
        "latent_size": (settings.z_dim,),
        "dlatent_size": (settings.w_dim,),
        "label_size": (settings.c_dim,),
        "mapping_layers": (settings.mapping.num_layers,),
    }
    for name, possible in sizes.items():
        value = told.get(name)
        if value is not None and value not in possible:
            raise Damaged(
                f"its {name} is {str(value)[:40]}, but its tensors are of a network "
                f"with {str(possible[0])[:40]}"
            )


def _place_colours(variables: dict[str, Any]) -> bool:
    """Name the colours of the oldest files as in others; True if it is one of them.

    They name them by their level of detail, and draw with the finest alone.
    """
    found = {match for name in variables if (match := _BLOCK.match(name))}
    blocks = sorted({(int(m[1]), int(m[2])) for m in found}, reverse=True)
    has_levels = False
    for name in list(variables):
        match = re.fullmatch(r"synthesis/ToRGB_lod(\d{1,2})/(\w+)", name)
        if match:
            has_levels = True
            value = variables.pop(name)
            if int(match[1]) == 0 and blocks:
                high, wide = blocks[0]
                variables[f"synthesis/{high}x{wide}/ToRGB/{match[2]}"] = value
    return has_levels


def _taps(told: Mapping[str, Any]) -> tuple[float, ...]:
    taps = told.get("resample_kernel", [1, 3, 3, 1])
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
    if isinstance(value, InertObject) and value.cls in _NETWORKS and isinstance(value.state, dict):
        return value.state
    return None
