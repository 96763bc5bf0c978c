"""NVIDIA's pickled networks: StyleGAN2-ADA, StyleGAN3, and what their converters wrote.

A pickle of theirs holds, for each module, the source code it was made with and the attributes it
had. The code is never looked at; the attributes are inert data here, and say everything that is
needed: the settings come from what each layer was, as defaults differ between repositories.
"""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

from c2l.errors import BadWeights
from c2l.reading import (
    DTYPES,
    Damaged,
    InertObject,
    Name,
    explain_damage,
    named_tensors,
    read_pickle,
)
from c2l_stylegan.files import generators, tensorflow
from c2l_stylegan.files.pickled import load_storage, views
from c2l_stylegan.files.renaming import Found

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
    "tfutil": {"Network"},
    "builtins": {"set"},
    "numpy": {"dtype", "ndarray"},
    "numpy.core.multiarray": {"scalar", "_reconstruct"},
    "numpy._core.multiarray": {"scalar", "_reconstruct"},
    "numpy.core.numeric": {"_frombuffer"},
    "numpy._core.numeric": {"_frombuffer"},
    "dill._dill": {"_create_array"},  # StyleGAN-XL's pickles are dill's
}

_DILLS_TYPES = "dill.types"
_DILLS_SETATTR = (Name("dill", "_dill"), "_setattr")
_OF_FUNCTIONS = {
    "dill._dill": {"_create_code", "_create_function", "_create_cell", "_load_type", "_setattr"},
    "builtins": {"getattr", "setattr"},
    "torch": {"Size"},
    _DILLS_TYPES: {"MethodType", "PartialType"},
}
"""What a discriminator in a pickle of dill is made of besides modules."""


def read(path: Path) -> Found:
    """Read the generator of a pickle, the averaged one where there are several.

    Returns:
        its settings, and its tensors, which are views of the file.
    Raises:
        BadWeights: the file is damaged, contains executable content, or holds another network.
    """
    with explain_damage(path):
        try:
            root = root_of(path)
            if tensorflow.is_network(root):
                return tensorflow.convert(root)
            return generators.find(root, named_tensors(root), views(at_most=path.stat().st_size))
        except Damaged as error:
            raise BadWeights(f"{path} cannot be read: {error}", hint=_ONLY) from error
        except BadWeights as error:  # of the settings, which do not know the path
            raise BadWeights(f"{path} cannot be read: {error.message}", hint=_ONLY) from error


def root_of(path: Path, *, functions: bool = False) -> Any:
    """What a pickle holds, as inert data.

    Args:
        functions: let functions that dill wrote down lie in it, as in StyleGAN-XL's discriminators.
            Here they are never made, and a pickle that calls one is still refused.
    Raises:
        BadPickle: it is damaged, or contains executable content.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        # A private map: torch wants memory that could be written. Closed with the last tensor.
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    root, _ = read_pickle(
        data,
        0,
        expected=_is_expected_with_functions if functions else _is_expected,
        # What is made of each takes some fifty bytes.
        most_instructions=40_000 + size // 32,
        made=_made_with_functions if functions else load_storage,
    )
    return root


def _is_expected(name: Name) -> bool:
    return name.name in _EXPECTED.get(name.module, ())


def _is_expected_with_functions(name: Name) -> bool:
    return _is_expected(name) or name.name in _OF_FUNCTIONS.get(name.module, ())


def _made_with_functions(call: InertObject) -> Any:
    """As ``load_storage``; the two ways in which dill looks something up give the name of it."""
    if call.cls == Name("dill._dill", "_load_type") and isinstance(call.args[0], str):
        return Name(_DILLS_TYPES, call.args[0][:100])
    if call.cls == Name("builtins", "getattr") and call.args[:2] == _DILLS_SETATTR:
        return Name("dill._dill", "_setattr")
    return load_storage(call)
