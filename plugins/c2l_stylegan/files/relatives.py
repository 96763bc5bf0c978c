"""What a file holds where it is not a StyleGAN2 or StyleGAN3: said by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from c2l_stylegan.files.pickled import Module

RELATIVES = (
    *(b"FastganSynthesis", b"class SuperresGenerator", b"R3GAN.Networks"),
    b"class TriPlaneGenerator",  # EG3D
    *(b"def G_style(", b"def G_paper("),  # StyleGAN1 and ProGAN
)
"""One of these is near the beginning of the pickles of relatives, which open as kinds of their own.
A file that has it further in is still named here, once it is read."""

_OF_A_DISCRIMINATOR = re.compile(
    r"((module|state_dict|params|params_ema)\.)*(final_linear|final_conv|b4\.out|fromrgb)\."
)
_DISCRIMINATORS = frozenset({"d", "D", "discriminator", "netD", "net_d"})


def relative_of(network: Module) -> str:
    """The name of a well-known network that resembles a StyleGAN generator but is not one."""
    if network.class_name == "TriPlaneGenerator" or network.child("renderer") is not None:
        return "an EG3D generator, `eg3d:FILE`"
    mapping, synthesis = network.child("mapping"), network.child("synthesis")
    if synthesis is not None and synthesis.class_name.startswith("FastganSynthesis"):
        return "a Projected GAN's FastGAN, `projected-gan:FILE`"
    if mapping is not None and mapping.child("embed_proj") is not None:
        return "a StyleGAN-XL generator with classes, `stylegan-xl:FILE`"
    blocks = [block for _, block in synthesis.children()] if synthesis is not None else []
    if any(block.child("convs1") is not None for block in blocks):
        return "a StyleGAN-T generator"
    if any(layer.class_name.startswith("PatchWise") for b in blocks for _, layer in b.children()):
        return "an ALIS generator, whose images are endless strips"
    return ""


def instead(
    root: Any,
    values: Mapping[str, Any],
    modules: Mapping[str, Module],
    relatives: Mapping[str, str],
) -> str:
    """What a file without a generator holds, as the end of a message about it.

    Args:
        root: what was saved.
        values, modules: the tensors and the networks in it, by name.
        relatives: networks in it that have a name.
    """
    if relatives:
        return f"it is {next(iter(relatives.values()))}, not a StyleGAN2 or StyleGAN3"
    classes = [module.class_name for name, module in modules.items() if "." not in name]
    if classes:
        others = [name for name in classes if "Discriminator" not in name]
        if not others:
            return "it holds only a discriminator, not a generator G_ema"
        return f"it is a {others[0]}, not a StyleGAN2 or StyleGAN3"
    names = list(values)
    if any(re.match(r"(state_dict\.)?encoder\.", name) for name in names):
        return "it is an image encoder such as pSp or e4e, saved without its generator"
    keys = [key for key in root if isinstance(key, str)] if isinstance(root, dict) else []
    tops = {name.partition(".")[0] for name in names}
    if _DISCRIMINATORS.intersection(keys) and tops <= _DISCRIMINATORS:
        return "it holds only a discriminator, not a generator"
    if any(map(_OF_A_DISCRIMINATOR.match, names)):
        return "it is only a discriminator, not a generator"
    if names:
        some = ", ".join(name[:60] for name in names[:3])
        return f"it is a plain state dict of an unknown network: it has {some}"
    if isinstance(root, dict):
        return "it holds no generator G_ema" + (f", but {', '.join(keys)[:80]}" if keys else "")
    return "it is a pickle, but not of a network"
