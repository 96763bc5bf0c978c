"""StyleGAN2 under the names that other repositories gave its tensors. One table for each.

A name is written with fields: ``{i}`` counts the layers of the mapping; ``{n}`` counts the
convolutions, ``{m}`` those after the first; ``{j}`` counts the blocks, from the one after the
constant; ``{block}`` is what a file calls a block, its number as a rule; ``{layer}`` is the module
itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Layout:
    """Where the tensors of a StyleGAN2 lie in files of one origin.

    Args:
        whose: for messages.
        marks: names that tell it from all others, relative to where the generator lies.
        average: the mean latent, beside the tensors or further up.
        dense: a layer of the mapping; its parts are in ``dense_parts``.
        embedding: of the classes, with the same parts; "" if it has none.
        first, up, same: the convolution of the constant, and the two of each other block.
        first_colours, colours, skip: of the constant's block, of the others; a resnet's bypass.
        dense_parts, convolution, colour: our name of each of their tensors, and theirs.
        estimates: its code estimates a mean latent that is not stored.
        blur, upsample: the filters of features and of colours; "" where they are not stored.
        gain: what filters are multiplied with before they are stored.
        block: a regular expression for ``{block}``; "" if blocks have only numbers.
        is_transposed: matrices are (in, out), kernels (height, width, in, out).
        is_turned: kernels that upsample are stored rotated by half a turn.
        lacks_one: the bias of a modulation is stored without the one that is added to it.
        blue_first: it draws blue, green and red.
        foreign: parts of tensor names that belong to another network, and its name.
    """

    whose: str
    marks: tuple[str, ...]
    dense: str
    constant: str
    first: str
    up: str
    same: str
    first_colours: str
    colours: str
    convolution: Mapping[str, str]
    colour: Mapping[str, str]
    dense_parts: Mapping[str, str] = field(
        default_factory=lambda: {"weight": "{layer}.weight", "bias": "{layer}.bias"}
    )
    embedding: str = ""
    skip: str = ""
    average: str = "latent_avg"
    estimates: bool = True
    blur: str = ""
    upsample: str = ""
    gain: int = 4
    block: str = ""
    is_transposed: bool = False
    is_turned: bool = False
    lacks_one: bool = False
    blue_first: bool = False
    foreign: Mapping[str, str] = field(default_factory=dict)


ROSINALITY = Layout(
    whose="rosinality's stylegan2-pytorch",
    marks=("input.input", "to_rgb1.conv.weight"),
    dense="style.{i}",
    constant="input.input",
    first="conv1",
    up="convs.{m}",
    same="convs.{m}",
    first_colours="to_rgb1",
    colours="to_rgbs.{j}",
    convolution={
        "weight": "{layer}.conv.weight",
        "affine.weight": "{layer}.conv.modulation.weight",
        "affine.bias": "{layer}.conv.modulation.bias",
        "noise_strength": "{layer}.noise.weight",
        "noise_const": "noises.noise_{n}",
        "bias": "{layer}.activate.bias",
    },
    colour={
        "weight": "{layer}.conv.weight",
        "affine.weight": "{layer}.conv.modulation.weight",
        "affine.bias": "{layer}.conv.modulation.bias",
        "bias": "{layer}.bias",
    },
    blur="{layer}.conv.blur.kernel",
    upsample="{layer}.upsample.kernel",
    foreign={"iwt.": "a SWAGAN, which generates wavelets"},
)

BASICSR = Layout(
    whose="BasicSR",
    marks=("constant_input.weight", "to_rgb1.modulated_conv.weight"),
    dense="style_mlp.{i}",
    constant="constant_input.weight",
    first="style_conv1",
    up="style_convs.{m}",
    same="style_convs.{m}",
    first_colours="to_rgb1",
    colours="to_rgbs.{j}",
    convolution={
        "weight": "{layer}.modulated_conv.weight",
        "affine.weight": "{layer}.modulated_conv.modulation.weight",
        "affine.bias": "{layer}.modulated_conv.modulation.bias",
        "noise_strength": "{layer}.weight",
        "noise_const": "noises.noise{n}",
        "bias": "{layer}.activate.bias",
    },
    colour={
        "weight": "{layer}.modulated_conv.weight",
        "affine.weight": "{layer}.modulated_conv.modulation.weight",
        "affine.bias": "{layer}.modulated_conv.modulation.bias",
        "bias": "{layer}.bias",
    },
)

MMGENERATION = Layout(
    whose="mmgeneration or MMagic",
    marks=("constant_input.input", "to_rgb1.conv.weight_orig"),
    dense="style_mapping.{i}",
    dense_parts={"weight": "{layer}.linear.weight_orig", "bias": "{layer}.bias"},
    embedding="embed",
    constant="constant_input.input",
    first="conv1",
    up="convs.{m}",
    same="convs.{m}",
    first_colours="to_rgb1",
    colours="to_rgbs.{j}",
    convolution={
        "weight": "{layer}.conv.weight_orig",
        "affine.weight": "{layer}.conv.style_modulation.linear.weight_orig",
        "affine.bias": "{layer}.conv.style_modulation.bias",
        "noise_strength": "{layer}.noise_injector.weight",
        "noise_const": "injected_noise_{n}",
        "bias": "{layer}.activate.bias",
    },
    colour={
        "weight": "{layer}.conv.weight_orig",
        "affine.weight": "{layer}.conv.style_modulation.linear.weight_orig",
        "affine.bias": "{layer}.conv.style_modulation.bias",
        "bias": "{layer}.bias",
    },
    average="w_avg",
    blur="{layer}.conv.blur.kernel",
    upsample="{layer}.upsample.kernel",
    blue_first=True,
)

GENFORCE = Layout(
    whose="genforce",
    marks=("synthesis.early_layer.const", "synthesis.output0.style.weight"),
    dense="mapping.dense{i}",
    embedding="mapping.LabelEmbed",
    constant="synthesis.early_layer.const",
    first="synthesis.layer{n}",
    up="synthesis.layer{n}",
    same="synthesis.layer{n}",
    first_colours="synthesis.output0",
    colours="synthesis.output{block}",
    convolution={
        "weight": "{layer}.weight",
        "affine.weight": "{layer}.style.weight",
        "affine.bias": "{layer}.style.bias",
        "noise_strength": "{layer}.noise_strength",
        "noise_const": "{layer}.noise",
        "bias": "{layer}.bias",
    },
    colour={
        "weight": "{layer}.weight",
        "affine.weight": "{layer}.style.weight",
        "affine.bias": "{layer}.style.bias",
        "bias": "{layer}.bias",
    },
    average="truncation.w_avg",
    blur="{layer}.filter.kernel",
    upsample="synthesis.upsample.kernel",
    is_turned=True,
    lacks_one=True,
    foreign={
        "mapping.label_weight": "a conditional network of the original StyleGAN2, which joins "
        "classes to z in a way of its own"
    },
)

TENSORFLOW = Layout(
    whose="NVIDIA's TensorFlow code",
    marks=("mapping/Dense0/weight",),
    dense="mapping/Dense{i}",
    dense_parts={"weight": "{layer}/weight", "bias": "{layer}/bias"},
    embedding="mapping/LabelEmbed",
    constant="synthesis/{block}/Const/const",
    first="synthesis/{block}/Conv",
    up="synthesis/{block}/Conv0_up",
    same="synthesis/{block}/Conv1",
    first_colours="synthesis/{block}/ToRGB",
    colours="synthesis/{block}/ToRGB",
    skip="synthesis/{block}/Skip/weight",
    convolution={
        "weight": "{layer}/weight",
        "affine.weight": "{layer}/mod_weight",
        "affine.bias": "{layer}/mod_bias",
        "noise_strength": "{layer}/noise_strength",
        "noise_const": "synthesis/noise{n}",
        "bias": "{layer}/bias",
    },
    colour={
        "weight": "{layer}/weight",
        "affine.weight": "{layer}/mod_weight",
        "affine.bias": "{layer}/mod_bias",
        "bias": "{layer}/bias",
    },
    average="dlatent_avg",
    estimates=False,
    block=r"synthesis/(\d{1,5}x\d{1,5})/Conv1?/weight",
    is_transposed=True,
    is_turned=True,
    lacks_one=True,
    foreign={
        "LabelConcat": "a conditional network of the original StyleGAN2, with LabelConcat",
    },
)

LAYOUTS = (ROSINALITY, BASICSR, MMGENERATION, GENFORCE)
"""Those that lie in files of ``torch.save``."""


def places_of(marks: Iterable[str], names: Iterable[str]) -> list[str]:
    """Where in a file a generator lies: what stands before the marks, if all of them are there."""
    names = set(names)
    first, *others = marks
    ends = (name.removesuffix(first) for name in names if name.endswith(first))
    found = {end for end in ends if not end or end[-1] == "."}
    return sorted(end for end in found if all(end + other in names for other in others))
