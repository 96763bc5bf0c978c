"""NVIDIA's pickled networks: StyleGAN2-ADA, StyleGAN3, and what their converters wrote.

A pickle of theirs holds, for each module, the source code it was made with and the attributes it
had. The code is never looked at; the attributes are inert data here, and say everything that is
needed: the settings come from what each layer was, as defaults differ between repositories.
"""

from __future__ import annotations

import mmap
import re
from pathlib import Path
from typing import Any

from torch import Tensor

from c2l.errors import BadWeights
from c2l.reading import DTYPES, Damaged, InertObject, Name, explain_damage, read_pickle
from c2l_stylegan.files import nvidia_settings, tensorflow
from c2l_stylegan.files.pickled import Module, load_storage
from c2l_stylegan.networks.settings import Settings

MARKS = (b"_reconstruct_persistent_obj", b"dnnlib.tflib.network")
"""One of these is near the beginning of every such file."""

_ONLY = "Only StyleGAN2 and StyleGAN3 generators are supported"
_EXPECTED = {
    "torch_utils.persistence": {"_reconstruct_persistent_obj"},
    "torch._utils": {"_rebuild_tensor_v2", "_rebuild_parameter"},
    "torch.storage": {"_load_from_bytes"},
    "torch": set(DTYPES),
    "collections": {"OrderedDict"},
    "dnnlib.util": {"EasyDict"},
    "dnnlib.tflib.network": {"Network"},
    "builtins": {"set"},
    "numpy": {"dtype", "ndarray"},
    "numpy.core.multiarray": {"scalar", "_reconstruct"},
    "numpy._core.multiarray": {"scalar", "_reconstruct"},
    "numpy.core.numeric": {"_frombuffer"},
    "numpy._core.numeric": {"_frombuffer"},
    "dill._dill": {"_create_array"},  # StyleGAN-XL's pickles are dill's
}
# Ordinary classes of torch and of the relatives' repositories: named, so that the error can say
# which network it is. Like all names they stay names.
_CLASSES = re.compile(
    r"(torch\.nn\.modules|training|pg_modules|timm\.(models|layers))(\.[a-z_]\w*)*"
)
_CLASS = re.compile(r"[A-Z]\w*")


def read(path: Path) -> tuple[Settings, dict[str, Tensor]]:
    """Read the averaged generator of a pickle.

    Returns:
        its settings, and its tensors, which are views of the file.
    Raises:
        BadWeights: the file is damaged, contains executable content, or holds another network.
    """
    with explain_damage(path):
        try:
            root = _root(path)
            if tensorflow.is_network(root):
                return tensorflow.convert(root)
            generator = _generator(root)
            tensors = generator.tensors(at_most=path.stat().st_size)
            return nvidia_settings.convert(generator, tensors)
        except Damaged as error:
            raise BadWeights(f"{path} cannot be read: {error}", hint=_ONLY) from error
        except BadWeights as error:  # of the settings, which do not know the path
            raise BadWeights(f"{path} cannot be read: {error.message}", hint=_ONLY) from error


def _root(path: Path) -> Any:
    size = path.stat().st_size
    with path.open("rb") as file:
        # A private map: torch wants memory that could be written. Closed with the last tensor.
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    root, _ = read_pickle(
        data,
        0,
        expected=_is_expected,
        # What is made of each takes some fifty bytes.
        most_instructions=40_000 + size // 32,
        made=load_storage,
    )
    return root


def _is_expected(name: Name) -> bool:
    if name.name in _EXPECTED.get(name.module, ()):
        return True
    return bool(_CLASSES.fullmatch(name.module) and _CLASS.fullmatch(name.name))


def _generator(root: Any) -> Module:
    if isinstance(root, dict):
        found = Module.of(root.get("G_ema"))
        if found is None:
            held = [key for key in ("G", "D") if Module.of(root.get(key)) is not None]
            if held == ["D"]:
                raise Damaged("it holds only a discriminator, not a generator G_ema")
            if held:
                raise Damaged("it holds no averaged generator, G_ema")
            if any(isinstance(value, InertObject) for value in root.values()):
                raise Damaged("it is a plain state dict of an unknown network")
            raise Damaged("it holds no generator G_ema")
    else:
        found = Module.of(root)
        if found is None:
            raise Damaged("it is a pickle, but not of a network")
    relative = _relative(found)
    if relative:
        raise Damaged(f"it is {relative}, not a StyleGAN2 or StyleGAN3")
    return found


def _relative(network: Module) -> str:
    """The name of a well-known network that resembles a StyleGAN generator but is not one."""
    if "Discriminator" in network.class_name:
        return "only a discriminator"
    if network.class_name == "TriPlaneGenerator" or network.child("renderer") is not None:
        return "an EG3D generator"
    mapping, synthesis = network.child("mapping"), network.child("synthesis")
    if mapping is not None and mapping.child("embed_proj") is not None:
        return "a conditional StyleGAN-XL generator"
    blocks = [block for _, block in synthesis.children()] if synthesis is not None else []
    if any(block.child("convs1") is not None for block in blocks):
        return "a StyleGAN-T generator"
    if any(layer.class_name.startswith("PatchWise") for b in blocks for _, layer in b.children()):
        return "an ALIS generator, whose images are endless strips"
    if mapping is None or synthesis is None:
        return f"a {network.class_name}"
    return ""
