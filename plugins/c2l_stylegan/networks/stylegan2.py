"""The synthesis network of StyleGAN2 (Karras et al. 2020, arXiv:1912.04958)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from c2l import replayed
from c2l_stylegan.cpu.fast_path import allows_fast_path, records_gradients
from c2l_stylegan.cpu.scratch import Scratch, keep_freed_memory
from c2l_stylegan.cpu.threads import num_workers, parallel_map, within_cores
from c2l_stylegan.networks import stylegan2_strips
from c2l_stylegan.networks.filters import resampling_filter
from c2l_stylegan.networks.modulated import NUM_REDUCED
from c2l_stylegan.networks.noise import Noise, NoiseMaps
from c2l_stylegan.networks.settings import StyleGAN2Settings
from c2l_stylegan.networks.stylegan2_block import Block

_BYTES_AT_ONCE = 1 << 23


class Synthesis2(nn.Module):
    """Latents to an image: blocks ``b4``, ``b8``, ... each twice the resolution of the last."""

    def __init__(self, settings: StyleGAN2Settings) -> None:
        super().__init__()
        taps = resampling_filter(settings.resample_filter)
        self.resolutions = settings.resolutions
        for resolution in self.resolutions:
            self.add_module(f"b{resolution}", Block(resolution, settings, taps))
        self.num_ws = sum(block.num_convs for block in self.blocks()) + 1

    @property
    def feature_dtype(self) -> torch.dtype:
        """Of the features in the four highest resolutions, and of the convolutions between them.

        Less than float32 is faster where there are units for it (avx512_bf16, AMX, a GPU), and
        much slower elsewhere. Styles, demodulation and the image stay in float32. It may be set at
        any time.
        """
        dtype: torch.dtype = getattr(self, f"b{self.resolutions[-1]}").feature_dtype
        return dtype

    @feature_dtype.setter
    def feature_dtype(self, dtype: torch.dtype) -> None:
        lowest = max(self.resolutions[-1] >> (NUM_REDUCED - 1), 8)
        for block in self.blocks():
            is_reduced = block.conv1.resolution >= lowest
            block.feature_dtype = dtype if is_reduced else torch.float32

    def blocks(self) -> Iterator[Block]:
        """The blocks, from 4 px up."""
        for resolution in self.resolutions:
            yield getattr(self, f"b{resolution}")

    def forward(self, ws: Tensor, noise: Noise = "const") -> Tensor:
        """ws (B, num_ws, w_dim) to images (B, img_channels, H, W)."""
        if noise == "random":
            return self.images(ws, noise=noise)[-1]
        return self._drawn(ws, noise, self.feature_dtype)

    @replayed
    def _drawn(self, ws: Tensor, noise: Noise, _: torch.dtype) -> Tensor:
        """Images; in another dtype of the features, other kernels draw them."""
        return self.images(ws, noise=noise)[-1]

    def images(
        self, ws: Tensor, *, noise: Noise = "const", until: int | None = None
    ) -> list[Tensor]:
        """The image as it stands after each block that draws.

        With the ``skip`` architecture, that is one of 4 px, one of 8 px and so on; with the
        others, the final one.

        Args:
            ws: float32, (B, num_ws, w_dim).
            noise: the stored noise maps, none at all, or fresh ones, which each image draws from
                its own latents.
            until: the last resolution (that in a block's name) to compute.
        Returns:
            tensors (B, img_channels, h, w), smallest first.
        """
        with torch.set_grad_enabled(records_gradients(self, ws)):
            if not allows_fast_path(ws):
                return self._images(ws, noise, until, Scratch(ws))
            with within_cores():
                return self._images_in_shares(ws, noise, until)

    def _images_in_shares(self, ws: Tensor, noise: Noise, until: int | None) -> list[Tensor]:
        keep_freed_memory()
        at_once, num = self._num_at_once(), max(1, min(len(ws), num_workers()))

        def work(share: Tensor) -> list[list[Tensor]]:
            scratch = Scratch(ws)
            return [self._images(part, noise, until, scratch) for part in share.split(at_once)]

        shares = parallel_map(work, ws.tensor_split(num))
        parts = [part for share in shares for part in share]
        return [torch.cat(images) for images in zip(*parts, strict=True)]

    def _num_at_once(self) -> int:
        """Images whose features are worked on together: what a CPU's cache holds."""
        largest = max(block.conv1.num_bytes() for block in self.blocks())
        return max(1, _BYTES_AT_ONCE // largest)

    def _images(
        self, ws: Tensor, noise: Noise, until: int | None, scratch: Scratch
    ) -> list[Tensor]:
        maps = NoiseMaps(noise, ws)
        steps: list[stylegan2_strips.Step] = []
        start = 0
        for block in self.blocks():
            if until is not None and block.conv1.resolution > until:
                break
            convs = [block.conv1] if block.is_first else [block.conv0, block.conv1]
            noises = [maps.next(conv.noise_const if conv.use_noise else None) for conv in convs]
            steps.append((block, ws[:, start : start + block.num_convs + 1], noises))
            start += block.num_convs

        x = steps[0][0].const.expand(len(ws), -1, -1, -1)
        x = x.contiguous(memory_format=torch.channels_last)
        return drawn_by(steps, x, None, scratch)


def drawn_by(
    steps: Sequence[stylegan2_strips.Step], x: Tensor, image: Tensor | None, scratch: Scratch
) -> list[Tensor]:
    """Take features and the image up to now through blocks, in the fastest way there is.

    Args:
        x: features below the first block; those of 4 px come with the constant.
    Returns:
        the image as it stands after each block that draws.
    """
    images: list[Tensor] = []
    for i, (block, used, noises) in enumerate(steps):
        if not block.is_first and stylegan2_strips.is_faster(block, x):
            scratch.clear()  # tens of megabytes, of which strips need none
            return images + stylegan2_strips.draw(x, image, steps[i:])
        x, image = block(x, image, used, noises, scratch)
        if image is not None:
            images.append(image)
    return images
