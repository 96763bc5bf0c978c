"""The one reader of StyleGAN2s under other names: any ``Layout``, any container."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from c2l.reading import Damaged
from c2l_stylegan.files.layouts import Layout
from c2l_stylegan.files.mean_latent import estimated_mean
from c2l_stylegan.files.shapes import settings_of_shapes
from c2l_stylegan.networks.filters import resampling_filter
from c2l_stylegan.networks.settings import Settings

Take = Callable[[Any, str], Tensor]
"""Reads what lies under a name in a file as a tensor of floating-point numbers, or says why not."""


@dataclass(frozen=True)
class Found:
    """A generator in a file.

    Args:
        tensors: with the names that ours has.
        remarks: what was assumed in reading it, one line each, whose subject is the file.
    """

    settings: Settings
    tensors: dict[str, Tensor]
    remarks: tuple[str, ...] = ()


USUAL = (1, 3, 3, 1)
_MOST_BLOCKS = 14
_MOST_LAYERS = 100
_MOST_TAPS = 64
_NO_MAPS = "it holds no noise maps that fit; others are drawn with, the same in each run"
# What may lie among the tensors of a network and is no part of what it draws.
_IGNORED = re.compile(
    r"(.*[._/])?(\w*noise\w*|\w*kernel|\w*filter|\w*_?avg|lod|steps|\w*truncation\w*)"
)
_NDIM = {"weight": 4, "affine.weight": 2, "noise_const": 2, "noise_strength": 0}


def convert(
    layout: Layout,
    place: str,
    values: Mapping[str, Any],
    take: Take,
    *,
    architecture: str = "skip",
    taps: tuple[Any, ...] | None = None,
    **told: Any,
) -> Found:
    """Settings and tensors of a generator in a file.

    Args:
        place: what stands before the names of its tensors.
        values: all that the file holds, by name.
        take: reads one of them.
        architecture, taps: where the file tells them.
        told: other settings that it tells, as ``settings_of_shapes`` takes them.
    Raises:
        Damaged: something is missing, or there is something that no StyleGAN2 has.
    """
    renamed = _Renamed(layout, place, values, take, architecture, taps)
    tensors, remarks = renamed.tensors, []
    if not renamed.has_noise_maps:
        remarks.append(_NO_MAPS)
    if layout.blue_first:
        remarks.append(f"it draws blue, green and red, as {layout.whose} trains; they are swapped")
    if not (layout.blur or taps):
        remarks.append("it holds no filters; they are taken to be 1 3 3 1")
    settings = settings_of_shapes(
        tensors, architecture=architecture, resample_filter=renamed.taps, **told
    )
    mean = _average(layout, place, values, take)
    if mean is None and layout.estimates and not settings.c_dim:
        mean = estimated_mean(settings, tensors)
    if mean is not None:
        tensors["mapping.w_avg"] = mean
        mapping = dataclasses.replace(settings.mapping, has_average=True)
        settings = dataclasses.replace(settings, mapping=mapping)
    return Found(settings, tensors, tuple(remarks))


class _Renamed:
    """The tensors of one generator, under our names, but for the mean latent.

    Attributes:
        tensors: ours.
        taps: of the filter of features.
        has_noise_maps: False if noise maps were made up, since none fit.
    """

    def __init__(
        self,
        layout: Layout,
        place: str,
        values: Mapping[str, Any],
        take: Take,
        architecture: str,
        taps: tuple[Any, ...] | None,
    ) -> None:
        self.layout = layout
        self.tensors: dict[str, Tensor] = {}
        self.has_noise_maps = True
        self._own = {n.removeprefix(place): v for n, v in values.items() if n.startswith(place)}
        self._take = take
        self._used: set[str] = set()
        for part, what in layout.foreign.items():
            if any(part in name for name in self._own):
                raise Damaged(f"it is {what}")
        self._mapping()
        blocks = self._blocks()
        first = blocks[min(1, len(blocks) - 1)]
        self.taps = taps or self._taps(self._named("up", layout.blur, 1, first))
        for number, block in enumerate(blocks):
            is_coloured = architecture == "skip" or number == len(blocks) - 1
            self._block(number, block, is_coloured, taps)
        unused = (n for n in self._own if n not in self._used and not _IGNORED.fullmatch(n))
        extra = min(unused, default=None)
        if extra is not None:
            raise Damaged(f"it also has {extra[:80]}, which no StyleGAN2 has")

    # -- where things lie

    def _blocks(self) -> list[str]:
        """What the file calls its blocks, from the constant up."""
        layout = self.layout
        if layout.block:
            found = (re.fullmatch(layout.block, name) for name in self._own)
            names = {match[1] for match in found if match}
            blocks = sorted(names, key=lambda name: [int(side) for side in name.split("x")])
        else:
            weight = layout.convolution["weight"]
            numbers = range(1, _MOST_BLOCKS + 1)
            blocks = ["0"]
            for number in numbers:
                if self._named("same", weight, number, str(number)) not in self._own:
                    break
                blocks.append(str(number))
        if not 1 <= len(blocks) <= _MOST_BLOCKS:
            raise Damaged(f"it has {len(blocks)} blocks")
        return blocks

    def _named(self, row: str, part: str, number: int, block: str) -> str:
        """A name in the file: of a part of a convolution, the colours or the bypass of a block."""
        n = 2 * number - (row == "up")
        fields = {"n": n, "m": n - 1, "j": number - 1, "block": block}
        layer = str(getattr(self.layout, row)).format(**fields)
        return part.format(layer=layer, **fields)

    # -- the network

    def _mapping(self) -> None:
        parts = self.layout.dense_parts

        def layer(ours: str, theirs: str) -> None:
            for leaf, part in parts.items():
                name = part.format(layer=theirs)
                self._copy(f"{ours}.{leaf}", name, 2 if leaf == "weight" else 1, matrix=True)

        def name_of(number: int) -> str:
            return self.layout.dense.format(i=number)

        def has(number: int) -> bool:
            return parts["weight"].format(layer=name_of(number)) in self._own

        start = 0 if has(0) else 1  # a normalisation without weights may come first
        layers = 0
        while has(start + layers) and layers <= _MOST_LAYERS:
            layer(f"mapping.fc{layers}", name_of(start + layers))
            layers += 1
        if not 1 <= layers <= _MOST_LAYERS:
            raise Damaged(f"its mapping has {layers or 'no'} layers")
        embedding = self.layout.embedding
        if embedding and parts["weight"].format(layer=embedding) in self._own:
            layer("mapping.embed", embedding)

    def _block(
        self, number: int, block: str, is_coloured: bool, told: tuple[Any, ...] | None
    ) -> None:
        layout, ours = self.layout, f"synthesis.b{4 << number}"
        usual = resampling_filter(USUAL)
        if number == 0:
            self._copy(f"{ours}.const", layout.constant.format(block=block), 3)
            rows = {"conv1": "first"}
            colours = "first_colours"
            self.tensors[f"{ours}.resample_filter"] = resampling_filter(told or USUAL)
        else:
            rows = {"conv0": "up", "conv1": "same"}
            colours = "colours"
            # Each its own: where features have another filter, colours may keep the usual one.
            for place, row, stored in (
                ("conv0.", "up", layout.blur),
                ("", "colours", layout.upsample),
            ):
                taps = told or self._taps(self._named(row, stored, number, block))
                self.tensors[f"{ours}.{place}resample_filter"] = resampling_filter(taps)
        # What does not upsample has the usual filter, and no use for it.
        self.tensors[f"{ours}.conv1.resample_filter"] = usual
        for name, row in rows.items():
            self._convolution(f"{ours}.{name}", row, number, block)
        if is_coloured:
            for leaf, part in layout.colour.items():
                self._copy(f"{ours}.torgb.{leaf}", self._named(colours, part, number, block))
        bypass = layout.skip.format(block=block)
        if bypass in self._own and number:
            self._copy(f"{ours}.skip.weight", bypass, is_up=True)
            self.tensors[f"{ours}.skip.resample_filter"] = resampling_filter(told or USUAL)

    def _convolution(self, ours: str, row: str, number: int, block: str) -> None:
        names = {
            leaf: self._named(row, part, number, block)
            for leaf, part in self.layout.convolution.items()
        }
        noise = names.pop("noise_const")
        if names["noise_strength"] not in self._own:
            del names["noise_strength"]
            noise = ""
        for leaf, name in names.items():
            self._copy(f"{ours}.{leaf}", name, is_up=row == "up")
        if not noise:
            return
        _, height, width = self.tensors["synthesis.b4.const"].shape
        size = (height << number, width << number)
        if noise in self._own:
            self._copy(f"{ours}.noise_const", noise)
        if noise not in self._own or self.tensors[f"{ours}.noise_const"].shape != size:
            # Fresh in each run of the code that lost them; here the same in all.
            generator = torch.Generator().manual_seed(max(0, 2 * number - (row == "up")))
            self.tensors[f"{ours}.noise_const"] = torch.randn(size, generator=generator)
            self.has_noise_maps = False

    # -- one tensor

    def _copy(
        self,
        ours: str,
        theirs: str,
        ndim: int | None = None,
        *,
        is_up: bool = False,
        matrix: bool = False,
    ) -> None:
        """Take a tensor, in our shape and as we store it."""
        if theirs not in self._own:
            raise Damaged(f"it has no {theirs[:80]}")
        self._used.add(theirs)
        layout, tensor = self.layout, self._take(self._own[theirs], theirs)
        leaf = re.sub(r".*\.(conv\d|torgb|skip)\.", "", ours)
        if leaf == "weight" and not matrix:
            if layout.is_transposed and tensor.ndim == 4:
                tensor = tensor.permute(3, 2, 0, 1)
        elif layout.is_transposed and tensor.ndim == 2 and ours.endswith("weight"):
            tensor = tensor.T
        tensor = squeezed(tensor, _NDIM.get(leaf, 1) if ndim is None else ndim, theirs)
        if is_up and leaf == "weight" and layout.is_turned:
            tensor = tensor.flip((2, 3))
        if leaf == "affine.bias" and layout.lacks_one:
            tensor = tensor + 1
        if layout.blue_first and re.search(r"torgb\.(weight|bias)$", ours) and len(tensor) == 3:
            tensor = tensor.flip(0)
        self.tensors[ours] = tensor

    def _taps(self, name: str) -> tuple[Any, ...]:
        """A stored filter as taps; the usual ones if there is none of this name."""
        if name not in self._own:
            return USUAL
        stored = squeezed(self._take(self._own[name], name), 2, name)
        if max(stored.shape) > _MOST_TAPS:
            raise Damaged(f"{name} has shape {tuple(stored.shape)}")
        usual = resampling_filter(USUAL) * self.layout.gain
        if stored.shape == usual.shape and torch.allclose(stored, usual):
            return USUAL
        return tuple(map(tuple, stored.tolist()))


def squeezed(tensor: Tensor, ndim: int, name: str) -> Tensor:
    """Without axes of one element, which some write around or behind a tensor of ours."""
    shape = list(tensor.shape)
    while len(shape) > ndim and shape[0] == 1:
        del shape[0]
    while len(shape) > ndim and shape[-1] == 1:
        del shape[-1]
    if len(shape) != ndim or not all(shape):
        raise Damaged(f"{name} has shape {tuple(tensor.shape)}")
    return tensor.reshape(shape)


def _average(layout: Layout, place: str, values: Mapping[str, Any], take: Take) -> Tensor | None:
    """The mean latent that lies nearest to the generator, if it is one for all layers."""
    while place + layout.average not in values:
        if not place:
            return None
        place = place.rstrip(".").rpartition(".")[0]
        place += "." if place else ""
    name = place + layout.average
    rows = take(values[name], name)
    rows = rows.reshape(-1, rows.shape[-1] if rows.ndim else 1)
    return rows[0] if len(rows) and (rows == rows[0]).all() else None
