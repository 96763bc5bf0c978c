"""The tensors of a CLIP, from whatever file they lie in; nothing in it is executed."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from torch import Tensor

from c2l.errors import BadWeights
from c2l.reading import TorchFile, explain_damage, named_tensors, refuse_stand_in

# open_clip's order of preference; other files of these kinds come after.
WEIGHT_NAMES = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
    "open_clip_pytorch_model.pth",
    "model.safetensors",
    "pytorch_model.bin",
    "pytorch_model.pth",
    "model.pth",
)
EPOCHS = "checkpoints"
"""Where open_clip's own training keeps them, below the folder of a run."""
SUFFIXES = (".safetensors", ".bin", ".pth", ".pt")
# Attributes that some kept as tensors.
_NO_WEIGHTS = frozenset({"input_resolution", "context_length", "vocab_size", "attn_mask"})


def find_weights(folder: Path) -> Path:
    """The file of weights in a folder, as open_clip would choose it; of epochs, the last.

    Raises:
        BadWeights: there is none.
    """
    files = _weights_in(folder) or _weights_in(folder / EPOCHS)
    known = [p for name in WEIGHT_NAMES for p in files if p.name == name]
    if known:
        return known[0]
    if not files:
        raise BadWeights(
            f"{folder} holds no weights", hint=f"Put {WEIGHT_NAMES[0]} beside its config"
        )
    return max(files, key=lambda p: (p.suffix == ".safetensors", _numbers(p.stem), p.name))


def shards_of(weights: Path) -> list[Path]:
    """All files of a model that transformers wrote in several, in their order.

    Raises:
        BadWeights: one of them is not there.
    """
    part = re.fullmatch(r"(.+)-\d{5}-of-(\d{5})(\.\w+)", weights.name)
    if part is None:
        return [weights]
    stem, num, suffix = part.groups()
    files = [weights.with_name(f"{stem}-{i:05}-of-{num}{suffix}") for i in range(1, int(num) + 1)]
    if missing := [file.name for file in files if not file.is_file()]:
        raise BadWeights(
            f"{weights.parent} lacks {missing[0]}", hint="Fetch all files of the model"
        )
    return files


def _weights_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [p for p in folder.iterdir() if p.suffix in SUFFIXES and p.is_file()]


def _numbers(text: str) -> list[int]:
    digits = "".join(letter if letter.isdigit() else " " for letter in text)
    return [int(number) for number in digits.split()]


def read_state(path: Path) -> dict[str, Tensor]:
    """A state dict: of a ``.safetensors``, of what ``torch.save`` wrote, or of TorchScript.

    An optimiser beside it is not read, and the prefix of a model that was trained on several GPUs
    is taken off.

    Raises:
        BadWeights: it is cut off, is something else, or contains executable content.
    """
    refuse_stand_in(path)
    with explain_damage(path):
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        with TorchFile(path) as file:
            root = file.root
            if isinstance(root, dict) and isinstance(root.get("state_dict"), dict):
                root = root["state_dict"]
            stored = {name: file.tensor(value) for name, value in named_tensors(root).items()}
            state = {name: file.read(found) for name, found in stored.items() if found}
    if state and all(name.startswith("module.") for name in state):
        state = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    return {
        name: tensor for name, tensor in state.items() if name.rpartition(".")[2] not in _NO_WEIGHTS
    }


def is_torchscript(path: Path) -> bool:
    """Whether a file is an archive of TorchScript, as OpenAI published theirs."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return False
    return any("/code/" in name for name in names) and any(n.endswith("/data.pkl") for n in names)
