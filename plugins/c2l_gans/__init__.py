"""GANs besides StyleGAN2 and 3, one kind for each family."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import c2l

_FAMILIES = {
    "biggan": (
        "biggan:BigGAN",
        "BigGAN and BigGAN-deep: huggingface's .bin, BigGAN-PyTorch's .pth",
    ),
    "eg3d": ("eg3d:EG3D", "EG3D: NVIDIA's .pkl, seen from any camera"),
    "fastgan": ("fastgan:FastGAN", "FastGAN: odegeasslbc's .pth, of few pictures"),
    "lightweight-gan": ("lightweight:LightweightGAN", "lightweight-gan: lucidrains' model_N.pt"),
    "lucidrains-stylegan2": (
        "lucidrains:LucidrainsStyleGAN2",
        "StyleGAN2 of lucidrains' stylegan2-pytorch: model_N.pt",
    ),
    "progan": ("progan:ProGAN", "ProGAN: NVIDIA's .pkl, genforce's, pytorch_GAN_zoo's PGAN"),
    "projected-gan": ("projected_gan:ProjectedGAN", "Projected GAN: its FastGANs, as .pkl"),
    "pytorch-dcgan": (
        "dcgan:DCGAN",
        "DCGAN: PyTorch's example's netG_*.pth, pytorch_GAN_zoo's .pth",
    ),
    "r3gan": ("r3gan:R3GAN", "R3GAN: its network-snapshot-*.pkl, with and without classes"),
    "stylegan1": (
        "stylegan1:StyleGAN1",
        "StyleGAN1: NVIDIA's .pkl, genforce's, rosinality's",
    ),
    "stylegan-xl": ("stylegan_xl:StyleGANXL", "StyleGAN-XL: its .pkl, with and without classes"),
}
"""Each kind: the class, below ``families``, and what ``c2l models list`` says of it."""


@c2l.hookimpl
def c2l_register_kinds(register: Callable[[c2l.KindSpec], None]) -> None:
    for kind, (factory, summary) in _FAMILIES.items():
        register(
            c2l.KindSpec(
                kind=kind,
                interface="generator",
                factory=f"c2l_gans.families.{factory}",
                summary=summary,
                licence="Apache-2.0 (code; weights have their own)",
            )
        )


@c2l.hookimpl
def c2l_register_cards(register: Callable[[Path], None]) -> None:
    register(Path(__file__).parent / "cards")
