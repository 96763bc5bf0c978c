"""The official code of each family, a module for each, beside this project's.

A module has what ``Family`` lists. Checkouts of the official repositories lie in one folder, each
under its own name; nothing of them is copied here.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor, nn

    import c2l

NAMES = (
    *("fastgan", "lightweight", "projected_gan", "stylegan_xl"),
    *("progan", "progan_genforce"),
    *("stylegan1", "stylegan1_genforce", "stylegan1_rosinality"),
    *("biggan", "biggan_deep", "biggan_cifar", "biggan_port"),
    *("r3gan", "r3gan_classes", "lucidrains", "lucidrains_rgba"),
    *("dcgan", "dcgan_zoo", "progan_zoo"),
    *("eg3d", "eg3d_cars"),
)


class Family(Protocol):
    """What a module of this folder has.

    Attributes:
        REPOSITORY: the name of the checkout.
        FILE: what the official code calls a file of weights.
    """

    REPOSITORY: str
    FILE: str

    def small(self) -> nn.Module:
        """The smallest network that the official code makes, with random weights."""

    def usual(self) -> nn.Module:
        """One of a published size."""

    def save(self, network: nn.Module, path: Path) -> None:
        """Write it as the official code does."""

    def draw(self, network: nn.Module, ours: c2l.Generator, z: Tensor) -> dict[str, Tensor]:
        """What the official code makes of noise: "images", and "latents" if there is a mapping.

        ``ours`` is the same network, for noise maps and the like that are ours to choose.
        """


def open_family(name: str, official: Path) -> Family:
    """The module of a family, with the checkout of its official code ready to be imported."""
    family: Any = importlib.import_module(f"families.{name}")
    checkout = official.resolve() / family.REPOSITORY
    if not checkout.is_dir():
        sys.exit(f"there is no checkout {checkout}")
    sys.path.insert(0, str(checkout))
    chosen: Family = family
    return chosen


def stir(network: nn.Module, *, batches: Sequence[Any] = ()) -> None:
    """Give values to what starts at zero or one, lest its use go unchecked.

    Args:
        batches: arguments to call the network with in training, for its statistics.
    """
    import torch

    torch.manual_seed(1)
    for name, tensor in (*network.named_parameters(), *network.named_buffers()):
        is_plain = tensor.is_floating_point() and bool((tensor == tensor.flatten()[0]).all())
        if is_plain and not name.endswith(("_mean", "_var")):
            tensor.data += torch.randn_like(tensor) * 0.3
    network.train()
    with torch.no_grad():
        for batch in batches:
            network(*batch)
    network.eval().requires_grad_(False)


def round_off(network: nn.Module) -> None:
    """Bring weights to a few values each, so that a file of them packs to a few bytes."""
    for tensor in (*network.parameters(), *network.buffers()):
        packs_well = len(tensor.unique()) < 16  # a filter, say
        if tensor.is_floating_point() and tensor.numel() > 64 and not packs_well:
            step = tensor.std() / 3
            tensor.data.copy_((tensor / step).round().clamp(-9, 9) * step)
