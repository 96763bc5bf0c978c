"""Names of devices to torch devices."""

from __future__ import annotations

import torch

from c2l.errors import DeviceUnavailable


def resolve_device(name: str) -> torch.device:
    """The device called ``cpu``, ``cuda``, ``cuda:1``, ``mps``, or ``auto`` for the best there is.

    Raises:
        DeviceUnavailable: this machine, or this build of torch, does not have it.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise DeviceUnavailable(
            f"no device is called '{name}'", hint="Use --device cpu, cuda, cuda:1, mps or auto"
        ) from None
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not available.get(device.type, False):
        raise DeviceUnavailable(f"this machine has no device '{name}'", hint="Use --device cpu")
    return device
