"""The DCGAN of Radford, Metz and Chintala (2015), https://arxiv.org/abs/1511.06434.

Shapes: B batch, D width of z, H and W height and width of the image.
"""

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

import c2l
from c2l.errors import BadWeights


class DCGAN(c2l.Generator):
    """Transposed convolutions from z to an image; each but the first doubles its size.

    The modules are in one sequence ``main``, as in most DCGANs written in PyTorch, so that their
    state dicts can be used as they are.

    Args:
        widths: D, then the channels after each layer; the last is 3, or 1 for grey images.
    """

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            # The first layer turns z, an image of 1 px and D channels, into one of 4 px.
            stride, padding = (2, 1) if layers else (1, 0)
            layers += [
                nn.ConvTranspose2d(before, after, 4, stride, padding, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
            ]
        layers[-2:] = [nn.Tanh()]  # the last layer has no BatchNorm, and ends in [-1, 1]
        self.main = nn.Sequential(*layers)
        self.z_width = widths[0]
        self.side = 2 ** len(widths)  # 4 px after the first of len(widths) - 1 layers

    @classmethod
    def load(cls, source: c2l.Source) -> Self:
        """Read a DCGAN, on the CPU, in eval mode, with frozen weights.

        Args:
            source: its path is a ``.safetensors`` file with the tensors of ``main``; how many
                layers there are, and how wide, is seen from their shapes.
        Raises:
            BadWeights: the file is truncated or holds something else.
        """
        # c2l sets the path for dcgan:./file and, by the card's `file`, for dcgan:blobs alike.
        path = source.path
        assert path is not None, "a DCGAN is always a file"
        try:
            tensors = load_file(path)
            # On "meta" nothing is initialised: quicker, and the global random state is left alone.
            with torch.device("meta"):
                network = cls(widths_of({name: tuple(t.shape) for name, t in tensors.items()}))
            floats = {n: t.float() if t.is_floating_point() else t for n, t in tensors.items()}
            network.load_state_dict(floats, assign=True)
        except (SafetensorError, OSError, ValueError, RuntimeError) as error:
            # Errors of a plugin are those of c2l.errors: the command line turns them into one
            # line, with the hint, and into an exit code.
            raise BadWeights(
                f"{path} is not a whole DCGAN: {' '.join(str(error).split())}",
                hint="Give a .safetensors file of a DCGAN's state dict, or use dcgan:blobs",
            ) from error
        return network.eval().requires_grad_(False)

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether ``path`` holds a DCGAN, by the names and shapes in its header alone.

        c2l asks when it is given a bare path, and exactly one plugin must say yes: be strict.
        """
        with suppress(SafetensorError, OSError, ValueError), safe_open(path, "pt") as file:
            names = file.keys()
            return bool(widths_of({n: tuple(file.get_slice(n).get_shape()) for n in names}))
        return False

    @property
    def latent_space(self) -> c2l.LatentSpace:
        """z itself: one standard normal code, which enters at one place."""
        return c2l.LatentSpace(
            num_codes=1,
            width=self.z_width,
            repeats=(1,),
            mean=torch.zeros(1, self.z_width, device=self.device),
            std=torch.ones(1, self.z_width, device=self.device),
        )

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the images, in pixels."""
        return self.side, self.side

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        """Draw z.

        Args:
            seeds: B whole numbers from 0 to 2**64 - 1; row i depends on ``seeds[i]`` alone.
        Returns:
            float32, shape (B, 1, D), standard normal.
        """
        # draw_normal seeds each row by itself: picture i is the same in any batch, on any device.
        return c2l.draw_normal(seeds, self.z_width)[:, None].to(self.device)

    def synthesize(
        self, latents: Tensor, *, truncation: float = 1.0, repeats: Sequence[int] | None = None
    ) -> Tensor:
        """Draw the images of latents. Differentiable in the latents.

        Args:
            latents: float32, shape (B, 1, D).
            truncation: 1 leaves the latents, 0 gives the mean image.
            repeats: of the one code: (1,), or None.
        Returns:
            float32, shape (B, 3, H, W), range [-1, 1].
        Raises:
            BadInput: the latents or the repeats do not fit.
        """
        # Checks the shape, and gives each layer its code; here that is one.
        z = self.latent_space.expand(latents.to(self.device, torch.float32), repeats)
        # The mean of z is zero, so to pull z towards it is to make it smaller.
        z = truncation * z
        images: Tensor = self.main(z.mT[..., None])  # (B, 1, D) to (B, D, 1, 1)
        return images.expand(-1, 3, -1, -1)  # grey to RGB; RGB stays as it is


def widths_of(shapes: Mapping[str, Sequence[int]]) -> list[int]:
    """The ``widths`` of the DCGAN whose tensors have these names and shapes.

    Raises:
        ValueError: there is no such DCGAN.
    """
    kernels: list[Sequence[int]] = []
    # Each layer is three modules of ``main``; the first has the weights, (in, out, 4, 4).
    while shape := shapes.get(f"main.{3 * len(kernels)}.weight"):
        kernels.append(shape)
    if not kernels or any(tuple(kernel[2:]) != (4, 4) for kernel in kernels):
        raise ValueError("its tensors are not those of a DCGAN")
    widths = [kernels[0][0], *(kernel[1] for kernel in kernels)]
    if widths[-1] not in (1, 3):
        raise ValueError(f"its images have {widths[-1]} channels, neither 1 nor 3")
    return widths
