"""The project's own file: safetensors with NVIDIA's tensor names.

Its metadata holds, under ``c2l``, the JSON ``{"schema": "c2l-stylegan/1", "family": ...,
"settings": {...}}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from c2l_stylegan.files.descriptions import description_of
from c2l_stylegan.files.weights import write_safetensors
from c2l_stylegan.networks.settings import Settings

_HALVED = (".weight", ".const", ".noise_const")


def write(
    path: Path, settings: Settings, tensors: Mapping[str, Tensor], *, half: bool = False
) -> None:
    """Write the project's own file, atomically.

    Args:
        half: store convolutions and constants in float16. What is small or delicate (the mapping
            network, biases, filters, frequencies) stays in float32.
    Raises:
        NotWritable: the folder cannot be written.
    """
    halved = [n for n in tensors if n.endswith(_HALVED) and not n.startswith("mapping.")]
    write_safetensors(path, description_of(settings), tensors, halved=halved if half else ())
