"""The mean latent of a network that was saved without, as rosinality's code finds it."""

from __future__ import annotations

from collections.abc import Mapping as MappingType

import numpy as np
import torch
from torch import Tensor

from c2l.reading import Damaged
from c2l_stylegan.networks.mapping import Mapping
from c2l_stylegan.networks.settings import Settings

_SAMPLES = 4096
_BATCH = 256


@torch.no_grad()
def estimated_mean(settings: Settings, tensors: MappingType[str, Tensor]) -> Tensor:
    """The mean of w over 4096 draws, the same in each run.

    Raises:
        Damaged: the mapping network does not fit together.
    """
    own = {n.removeprefix("mapping."): t for n, t in tensors.items() if n.startswith("mapping.")}
    try:
        with torch.device("meta"):
            mapping = Mapping(settings.z_dim, 0, settings.w_dim, settings.mapping)
        if settings.mapping.has_average:
            own["w_avg"] = torch.zeros(settings.w_dim)
        mapping.load_state_dict(own, assign=True)
    except RuntimeError as error:
        raise Damaged("the shapes in its mapping do not match") from error
    draws = np.random.RandomState(0)
    total = torch.zeros(settings.w_dim, dtype=torch.float64)
    for _ in range(_SAMPLES // _BATCH):
        z = draws.standard_normal((_BATCH, settings.z_dim)).astype(np.float32)
        total += mapping(torch.from_numpy(z)).double().sum(dim=0)
    return (total / _SAMPLES).float()
