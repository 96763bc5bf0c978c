"""A DCGAN (Radford et al. 2015) that is told a class beside z (Mirza & Osindero 2014).

The class is a part of the latent, so that it is drawn with the seed, stored with the pairs, and
chosen by text like everything else.
"""

# Letters: B batch, Z width of z, C number of classes, L width of a label's embedding.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Self

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

import c2l
from c2l.errors import BadWeights

SHARPNESS = 20.0
"""Of the softmax over classes: a prior is never quite sure, and a mixture of two classes is no
picture of either."""

HINT = "Give a .safetensors file of a conditional DCGAN's state dict, or use cgan:discs"


class ConditionalGAN(c2l.Generator):
    """z and a class to an image. A latent is z followed by one number for each class.

    Args:
        num_classes: C.
        label_width: L.
        widths: Z + L, then the channels after each layer; the last is 3, or 1 for grey images.
    """

    def __init__(self, num_classes: int, label_width: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.num_classes, self.z_width = num_classes, widths[0] - label_width
        self.classes = c2l.Classes(num_classes)
        self.side = 2 ** len(widths)
        self.label = nn.Embedding(num_classes, label_width)
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            stride, padding = (2, 1) if layers else (1, 0)  # 1 px to 4 px, then twice the size
            layers += [
                nn.ConvTranspose2d(before, after, 4, stride, padding, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
            ]
        self.main = nn.Sequential(*layers[:-2], nn.Tanh())

    @classmethod
    def load(cls, source: c2l.Source) -> Self:
        """Read a network whose sizes are seen from the shapes of its tensors.

        Raises:
            BadWeights: the file is truncated or holds something else.
        """
        path = source.path
        assert path is not None, "every name has a file"
        try:
            tensors = load_file(path)
            with torch.device("meta"):  # nothing is initialised, and no random number drawn
                network = cls(*sizes_of({name: tuple(t.shape) for name, t in tensors.items()}))
            floats = {n: t.float() if t.is_floating_point() else t for n, t in tensors.items()}
            network.load_state_dict(floats, assign=True)
        except (SafetensorError, OSError, ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            raise BadWeights(f"{path} is not a conditional DCGAN: {reason}", hint=HINT) from error
        return network.eval().requires_grad_(False)

    @classmethod
    def recognises(cls, path: Path) -> bool:
        with suppress(SafetensorError, OSError, ValueError), safe_open(path, "pt") as file:
            names = file.keys()
            return bool(sizes_of({n: tuple(file.get_slice(n).get_shape()) for n in names}))
        return False

    @property
    def latent_space(self) -> c2l.LatentSpace:
        """Normal numbers, and classes that are equally likely."""
        share = 1 / self.num_classes
        mean = [0.0] * self.z_width + [share] * self.num_classes
        std = [1.0] * self.z_width + [(share * (1 - share)) ** 0.5] * self.num_classes
        return c2l.LatentSpace(
            num_codes=1,
            width=len(mean),
            repeats=(1,),
            mean=torch.tensor([mean], device=self.device),
            std=torch.tensor([std], device=self.device),
        )

    @property
    def image_size(self) -> tuple[int, int]:
        return self.side, self.side

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        """z and a class, each from a stream of its own of each seed."""
        return self.sample_class_latents(seeds, c2l.Classes(self.num_classes).draw(seeds))

    def sample_class_latents(self, seeds: Sequence[int], classes: Sequence[int]) -> Tensor:
        """z of each seed, and the class that is given."""
        z = c2l.draw_normal(seeds, self.z_width).to(self.device)
        return torch.cat([z, self._labels(classes)], dim=1)[:, None]

    def classes_of(self, latents: Tensor) -> Tensor:
        """The largest of the numbers of classes, in the mean of all codes."""
        return latents[..., self.z_width :].mean(dim=1).argmax(dim=1)

    def in_classes(self, latents: Tensor, classes: Sequence[int]) -> Tensor:
        """The same z; latents that are surest of their class already stay as they are."""
        other = self.classes_of(latents).cpu() != torch.tensor(list(classes))
        labels = self._labels(classes).to(latents)[:, None].expand(-1, latents.shape[1], -1)
        moved = torch.cat([latents[..., : self.z_width], labels], dim=2)
        return torch.where(other.to(latents.device)[:, None, None], moved, latents)

    def _labels(self, classes: Sequence[int]) -> Tensor:
        """One-hot, (B, C). Raises ``BadInput`` for a class that there is not."""
        known = c2l.Classes(self.num_classes)
        numbers = torch.tensor([known.number(number) for number in classes], dtype=torch.int64)
        return F.one_hot(numbers, self.num_classes).float().to(self.device)

    def synthesize(
        self, latents: Tensor, *, truncation: float = 1.0, repeats: Sequence[int] | None = None
    ) -> Tensor:
        space = self.latent_space
        latents = space.expand(latents.to(self.device, torch.float32), repeats)[:, 0]
        latents = torch.lerp(space.mean, latents, truncation)
        z, classes = latents.split((self.z_width, self.num_classes), dim=1)
        # Instead of looking up the largest, through which no gradient would pass.
        label = (SHARPNESS * classes).softmax(dim=1) @ self.label.weight
        images: Tensor = self.main(torch.cat([z, label], dim=1)[..., None, None])
        return images.expand(-1, 3, -1, -1)


def sizes_of(shapes: Mapping[str, Sequence[int]]) -> tuple[int, int, list[int]]:
    """The arguments of the network whose tensors have these names and shapes.

    Raises:
        ValueError: there is no such network.
    """
    labels, kernels = shapes.get("label.weight", ()), list[Sequence[int]]()
    # Each layer is three modules of ``main``; the first has the weights, (in, out, 4, 4).
    while shape := shapes.get(f"main.{3 * len(kernels)}.weight"):
        kernels.append(shape)
    if len(labels) != 2 or not kernels or any(tuple(k[2:]) != (4, 4) for k in kernels):
        raise ValueError("its tensors are not those of one")
    widths = [kernels[0][0], *(kernel[1] for kernel in kernels)]
    if widths[-1] not in (1, 3) or labels[1] >= widths[0]:
        raise ValueError(f"its layers are {widths} wide, and its labels {labels[1]}")
    return labels[0], labels[1], widths
