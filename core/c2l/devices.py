"""The devices and precisions that users can name, and what torch calls them."""

from __future__ import annotations

import torch

from c2l.errors import BadInput, DeviceUnavailable

PRECISIONS = {"float32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
"""The dtypes that parts can compute in, by name."""


def resolve_device(name: str) -> torch.device:
    """The device called ``cpu``, ``cuda``, ``cuda:1`` or ``mps``; or ``auto``.

    ``auto`` is CUDA if there is any, else MPS, else the CPU.

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
            f"unknown device '{name}'",
            hint="Use `device` cpu, cuda, cuda:1, mps or auto",
            field="device",
        ) from None
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not available.get(device.type, False):
        raise DeviceUnavailable(
            f"this machine has no device '{name}'", hint="Use `device=cpu`", field="device"
        )
    return device


def resolve_precision(name: str, device: torch.device) -> torch.dtype:
    """The dtype called ``float32``, ``bf16`` or ``fp16``, if the device has units for it.

    Raises:
        BadInput: there is no precision of this name.
        DeviceUnavailable: the device would emulate it, ten times slower than float32.
    """
    if name not in PRECISIONS:
        *some, last = PRECISIONS
        raise BadInput(
            f"unknown precision '{name}'",
            hint=f"Use `precision` {', '.join(some)} or {last}",
            field="precision",
        )
    dtype = PRECISIONS[name]
    if dtype == torch.float32 or _has_units(dtype, device.type):
        return dtype
    where = "this processor" if device.type == "cpu" else f"the device '{device}'"
    raise DeviceUnavailable(
        f"{where} does not support {name}, which would only make it slower",
        hint="Use `precision=float32`",
        field="precision",
    )


def _has_units(dtype: torch.dtype, device_type: str) -> bool:
    if device_type == "cpu":
        # oneDNN knows processors; torch asks it in the same way before it compiles for one.
        asked = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)
        return dtype == torch.bfloat16 and asked is not None and bool(asked())
    if device_type == "cuda" and dtype == torch.bfloat16:
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return True


def free_cached_memory() -> None:
    """Return cached memory to the device."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
