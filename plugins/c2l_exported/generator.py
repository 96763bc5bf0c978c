"""An exported file as a generator of c2l.

Shapes: B batch, K codes, D width of a latent, H and W height and width of pictures.
"""

from __future__ import annotations

import hashlib
import importlib.util
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

import c2l
from c2l.errors import BadInput, BadWeights, MissingDependency, PluginFailed
from c2l_exported.facts import Facts, facts_file, read_facts
from c2l_exported.files import archives
from c2l_exported.files.onnx_file import read_onnx, recognises_onnx
from c2l_exported.inputs import Undecided
from c2l_exported.network import Network
from c2l_exported.probing import probe
from c2l_exported.process import Child, Ended, Refused


class Exported(c2l.Generator):
    """A network in a process of its own. It has no gradients.

    Args:
        path: the file.
        network: the network, ready to draw.
        facts: what its TOML says.
        sha256: of the file, and of those that hold its weights.
    """

    runtime: ClassVar[str]
    differentiable = False

    mean: Tensor
    std: Tensor

    def __init__(self, path: Path, network: Network, facts: Facts, sha256: Sequence[str]) -> None:
        super().__init__()
        self.path = path
        self.network = network
        self.facts = facts
        self.sha256 = tuple(sha256)
        mean, std = network.call.latents.statistics()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        num = network.call.latents.num_labels
        self.classes = c2l.Classes(num) if num else None

    @classmethod
    @abstractmethod
    def check_file(cls, path: Path) -> Sequence[Path]:
        """Look through a file without running it; returns the files that its weights are in.

        Raises:
            BadWeights: it is of another kind, or should not be opened.
        """

    @classmethod
    def load(cls, source: c2l.Source) -> Self:
        """Start the network in a process of its own, and find out how to draw with it.

        Args:
            source: its path is the file; beside it may lie a TOML, ``g.onnx.toml`` for
                ``g.onnx``: see ``c2l_exported.facts``.
        Raises:
            BadWeights: the file is damaged, of another kind, or should not be opened.
            BadInput: the TOML is wrong, or something has to be said in it.
            PluginFailed: the process died or hung.
        """
        path = source.path
        if path is None:
            raise BadWeights(
                f"{source.reference} names no file", hint=f"Name one, as in {cls.runtime}:./g"
            )
        facts = read_facts(path)
        files = [path, *cls.check_file(path)]
        child = Child(cls.runtime, path)
        try:
            child.signature()
        except Refused as error:
            raise BadWeights(
                f"{path} does not open: {error}", hint="Export it again, or fetch it again"
            ) from error
        except Ended as error:
            raise _failed(path, error) from error
        try:
            network = probe(child, facts)
        except Undecided as error:
            child.close()
            hint = f"Write {error.write} in {facts_file(path)}" if error.write else ""
            raise BadInput(f"{path} {error.what}", hint=hint) from error
        except (Refused, Ended) as error:
            child.close()
            raise _failed(path, error) from error
        return cls(path, network, facts, [_sha256(file) for file in files]).eval()

    @classmethod
    def describe(cls, path: Path) -> Mapping[str, Any]:
        """What the file and its TOML say; nothing in it is run."""
        cls.check_file(path)
        facts = read_facts(path)
        said = {"licence": facts.licence} if facts.licence else {}
        return {"family": cls.runtime, **cls._described(path), **facts.deciding(), **said}

    @classmethod
    def _described(cls, path: Path) -> Mapping[str, Any]:
        return {}

    def settings(self) -> Mapping[str, Any]:
        """The sha256 of the file, what its TOML says, and what was found out."""
        return {
            "sha256": list(self.sha256),
            "facts": self.facts.deciding(),
            **self.network.settings(),
        }

    @property
    def latent_space(self) -> c2l.LatentSpace:
        """The space of z, with classes behind it as zeros and a one."""
        latents = self.network.call.latents
        repeats = (1,) * latents.num_codes
        return c2l.LatentSpace(latents.num_codes, latents.width, repeats, self.mean, self.std)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the pictures, in pixels."""
        return self.network.pictures.height, self.network.pictures.width

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        """Draw latents, float32, (B, K, D), distributed as the TOML says."""
        return self.network.call.latents.draw(seeds).to(self.device)

    def sample_class_latents(self, seeds: Sequence[int], classes: Sequence[int]) -> Tensor:
        """Draw latents of given classes."""
        return self.network.call.latents.draw(seeds, self._numbers(classes)).to(self.device)

    def classes_of(self, latents: Tensor) -> Tensor:
        """The class that each latent holds."""
        if self.classes is None:
            return super().classes_of(latents)
        return self.network.call.latents.classes_of(latents)

    def in_classes(self, latents: Tensor, classes: Sequence[int]) -> Tensor:
        """The same latents with these classes."""
        return self.network.call.latents.in_classes(latents, self._numbers(classes))

    def _numbers(self, classes: Sequence[int]) -> list[int]:
        """Raises ``BadInput`` for a class that there is not."""
        if self.classes is None:
            raise BadInput(
                f"{self.reference} has no classes to choose from",
                hint="Leave out `class_label`",
                field="class_label",
            )
        return [self.classes.number(number) for number in classes]

    def synthesize(
        self, latents: Tensor, *, truncation: float = 1.0, repeats: Sequence[int] | None = None
    ) -> Tensor:
        """Draw the pictures of latents. No gradient leads back to them.

        Args:
            latents: float32, (B, K, D).
            truncation: 1 leaves the latents, 0 gives the picture of their mean.
            repeats: for K codes, K numbers that sum to the number of codes.
        Returns:
            float32, (B, 3, H, W), in [-1, 1] up to overshoot of the network.
        Raises:
            BadInput: the latents do not fit.
            PluginFailed: the network fails, dies or hangs.
        """
        latents = self.latent_space.expand(latents.to(self.device, torch.float32), repeats)
        if truncation != 1:
            latents = torch.lerp(self.mean, latents, truncation)
        try:
            pictures = self.network.draw(latents, str(self.device))
        except (Refused, Ended) as error:
            raise _failed(self.path, error) from error
        return pictures.to(self.device)

    def _facts(self) -> list[str]:
        pictures = self.network.pictures
        return [
            *super()._facts(),
            {1: "grey", 3: "RGB", 4: "RGBA"}[pictures.channels],
            f"black {pictures.black:g}, white {pictures.white:g}",
            f"{self.facts.distribution} latents",
        ]


class TorchScript(Exported):
    """A file of ``torch.jit.save``."""

    runtime = "torchscript"

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether the archive lists what TorchScript writes; nothing in it is read."""
        return archives.recognises_torchscript(path)

    @classmethod
    def check_file(cls, path: Path) -> Sequence[Path]:
        archives.check_torchscript(path)
        return ()


class TorchExport(Exported):
    """A file of ``torch.export.save``."""

    runtime = "export"

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether the archive lists what torch.export writes; nothing in it is read."""
        return archives.recognises_export(path)

    @classmethod
    def check_file(cls, path: Path) -> Sequence[Path]:
        archives.check_export(path)
        return ()


class Onnx(Exported):
    """An ONNX file."""

    runtime = "onnx"

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether the outermost fields are those of an ONNX model."""
        return recognises_onnx(path)

    @classmethod
    def check_file(cls, path: Path) -> Sequence[Path]:
        if importlib.util.find_spec("onnxruntime") is None:
            raise MissingDependency(
                "ONNX files need the package onnxruntime",
                hint='Install it: pip install "c2l[onnx]"',
            )
        return read_onnx(path).companions

    @classmethod
    def _described(cls, path: Path) -> Mapping[str, Any]:
        found = read_onnx(path)
        return {"inputs": found.inputs, "parameters": found.parameters}


def _failed(path: Path, error: Refused | Ended) -> PluginFailed:
    if isinstance(error, Refused):
        return PluginFailed(f"the network in {path} fails: {error}", hint="Export it again")
    return PluginFailed(
        f"the process that runs {path} {error}", hint="Try a smaller `batch_size`, or export again"
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
