"""ProGAN: NVIDIA's TensorFlow code."""

from __future__ import annotations

import importlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from families.tensorflow1 import stand_in

REPOSITORY = "progressive_growing_of_gans"
FILE = "karras2018iclr.pkl"


def small() -> Any:
    stand_in()
    tfutil = importlib.import_module("tfutil")
    tfutil.init_tf({"allow_soft_placement": True})
    sizes = {"resolution": 32, "num_channels": 3, "latent_size": 10, "fmap_base": 64}
    network = tfutil.Network("Gs", func="networks.G_paper", label_size=0, fmap_max=12, **sizes)
    draws = np.random.RandomState(2)
    values = {}
    for name, variable in network.vars.items():
        if name != "lod":
            shape = [int(side) for side in variable.shape]
            size = 0 if name == "ToRGB_lod0/bias" else 1  # pictures around grey
            values[variable] = np.round(draws.randn(*shape) * 4).astype(np.float32) * size / 4
    tfutil.set_vars(values)
    return network


def usual() -> Any:
    raise NotImplementedError("its speed on a CPU is that of the stand-ins; see progan_genforce")


def save(network: Any, path: Path) -> None:
    path.write_bytes(pickle.dumps((network, network, network), protocol=4))


def draw(network: Any, ours: Any, z: Tensor) -> dict[str, Tensor]:
    labels = np.zeros((len(z), 0), dtype=np.float32)
    return {"images": torch.from_numpy(network.run(z.numpy(), labels, minibatch_size=1))}
