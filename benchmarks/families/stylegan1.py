"""StyleGAN1: NVIDIA's TensorFlow code."""

from __future__ import annotations

import importlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from families.tensorflow1 import stand_in

REPOSITORY = "stylegan"
FILE = "karras2019stylegan.pkl"
_SIZES = {"latent_size": 10, "dlatent_size": 12, "mapping_fmaps": 14, "mapping_layers": 3}


def small() -> Any:
    stand_in()
    tflib = importlib.import_module("dnnlib.tflib")
    tflib.init_tf({"rnd.np_random_seed": 1, "allow_soft_placement": True})
    # Today a shape holds numbers alone, where this code writes that it uses noise.
    sizes = {"resolution": 128, "num_channels": 3, "fmap_base": 128, "fmap_max": 12, "use_noise": 1}
    function = "training.networks_stylegan.G_style"
    network = tflib.Network("Gs", func_name=function, label_size=3, **sizes, **_SIZES)
    draws = np.random.RandomState(2)
    values = {}
    for name, variable in network.vars.items():
        shape = [int(side) for side in variable.shape]
        if name.endswith("lod") or not shape:
            continue
        size = 0.05 if "ToRGB" in name else 100 if "Dense" in name else 1
        value = draws.randn(*shape) * size
        values[variable] = (
            np.round(value / size * 4) * (size / 4) if value.size > 64 else value
        ).astype(np.float32)
    tflib.set_vars(values)
    labels = np.eye(3, dtype=np.float32)[draws.randint(3, size=4096)]
    mapped = network.components.mapping.run(draws.randn(4096, 10), labels)
    tflib.set_vars({network.vars["dlatent_avg"]: mapped[:, 0].mean(axis=0)})
    return network


def usual() -> Any:
    raise NotImplementedError("its speed on a CPU is that of the stand-ins; see stylegan1_genforce")


def save(network: Any, path: Path) -> None:
    path.write_bytes(pickle.dumps((network, network, network), protocol=4))


def draw(network: Any, ours: Any, z: Tensor) -> dict[str, Tensor]:
    numbers = [i % 3 for i in range(len(z))]
    labels = np.eye(3, dtype=np.float32)[numbers]
    named = {"minibatch_size": 1, "randomize_noise": False, "truncation_psi": 1}
    images = network.run(z.numpy(), labels, **named)
    latents = network.components.mapping.run(z.numpy(), labels)[:, :1]
    drawn = {"images": torch.from_numpy(images), "latents": torch.from_numpy(latents)}
    return {**drawn, "classes": torch.tensor(numbers)}
