"""Finds the generator in whatever somebody's script saved, pickled whole or as tensors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from c2l.reading import Damaged, named_objects
from c2l_stylegan.files import nvidia_names, nvidia_settings, renaming
from c2l_stylegan.files.layouts import LAYOUTS, Layout, places_of
from c2l_stylegan.files.pickled import Module
from c2l_stylegan.files.relatives import instead, relative_of
from c2l_stylegan.files.renaming import Found, Take

_AVERAGED = re.compile(r"(?i)(^|_)(ema|smooth|avg|average|averaged)(_|$)|^Gs$")
_TRAINED = frozenset({"g", "G", "generator", "netG", "net_g", "params"})


def find(root: Any, values: Mapping[str, Any], take: Take) -> Found:
    """The generator in a file; the averaged one where there are several.

    Args:
        root: what was saved.
        values: the tensors in it, by name, as ``c2l.reading.named_tensors`` gives them.
        take: reads a tensor.
    Raises:
        Damaged: there is none, and what there is instead.
    """
    modules = {n: module for n, v in named_objects(root).items() if (module := Module.of(v))}
    relatives = {name: known for name, module in modules.items() if (known := relative_of(module))}
    places: dict[str, Layout | Module | None] = {}
    for layout in LAYOUTS:
        places.update(dict.fromkeys(places_of(layout.marks, values), layout))
    places.update(dict.fromkeys(nvidia_names.places(values)))
    # A network that was pickled whole also says its settings.
    whole = {name: module for name, module in modules.items() if _is_nvidias(module)}
    places.update({f"{name}." if name else "": module for name, module in whole.items()})
    places = {n: p for n, p in places.items() if not _is_inside(n, relatives)}
    if not places:
        raise Damaged(instead(root, values, modules, relatives))
    place = min(places, key=lambda place: (not _is_averaged(place), len(place), place))
    what = places[place]
    if isinstance(what, Layout):
        found = renaming.convert(what, place, values, take)
    elif what is None:
        found = nvidia_names.convert(place, values, take)
    else:
        found = Found(*nvidia_settings.convert(what, what.tensors(take)))
    if not _is_averaged(place) and _TRAINED.intersection(place.split(".")):
        remark = f"it holds no average of its generator; {place.rstrip('.')} is drawn with"
        return Found(found.settings, found.tensors, (remark, *found.remarks))
    return found


def has_places(names: Iterable[str]) -> bool:
    """Whether a state dict of these names holds a generator."""
    names = list(names)
    return bool(nvidia_names.places(names)) or any(
        places_of(layout.marks, names) for layout in LAYOUTS
    )


def _is_nvidias(module: Module) -> bool:
    parts = module.child("mapping") and module.child("synthesis")
    return bool(parts) and module.attribute("w_dim") is not None


def _is_inside(place: str, relatives: Mapping[str, str]) -> bool:
    """Whether a place belongs to a network that only has a StyleGAN in it."""
    above = place.split(".")[:-1]
    return any(
        above[: len(parts)] == parts for n in relatives for parts in [n.split(".") * bool(n)]
    )


def _is_averaged(place: str) -> bool:
    return any(_AVERAGED.search(part) for part in place.split("."))
