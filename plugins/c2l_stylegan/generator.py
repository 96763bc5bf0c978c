"""StyleGAN2 and StyleGAN3 as a c2l generator."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping as MappingType
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

import c2l
from c2l.errors import BadInput, BadWeights
from c2l_stylegan.files import own, stored
from c2l_stylegan.files.weights import fill, misfits
from c2l_stylegan.measured import NUM_MEASURED, MeasuredLatents
from c2l_stylegan.networks.draws import check_noise, numpy_normal
from c2l_stylegan.networks.initial_weights import drawing_weights
from c2l_stylegan.networks.mapping import Mapping
from c2l_stylegan.networks.noise import Noise
from c2l_stylegan.networks.rgb import as_rgb
from c2l_stylegan.networks.settings import Settings, StyleGAN2Settings, family_of
from c2l_stylegan.networks.stylegan2 import Synthesis2
from c2l_stylegan.networks.stylegan3 import Synthesis3

_MOST_FRESH_PARAMETERS = 1 << 29


class StyleGAN(MeasuredLatents):
    """A StyleGAN2 or StyleGAN3: ``mapping`` takes z to w, ``synthesis`` takes w to an image.

    Modules and tensors have NVIDIA's names, so ``state_dict`` fits the official networks.
    Everything is computed in float32, unless ``compute_in`` says otherwise.

    Attributes:
        mapping: the mapping network.
        synthesis: the synthesis network; ``synthesis(ws)`` gives the image with the channels it
            was trained with. In a StyleGAN3, the buffer ``synthesis.input.transform`` (3, 3)
            moves the image: it maps image coordinates to where their content comes from.

    Args:
        settings: everything that decides the network besides its weights.
    """

    mapping: Mapping
    synthesis: Synthesis2 | Synthesis3

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.network_settings = settings
        if isinstance(settings, StyleGAN2Settings):
            self.synthesis = Synthesis2(settings)
        else:
            self.synthesis = Synthesis3(settings)
        self.mapping = Mapping(settings.z_dim, settings.c_dim, settings.w_dim, settings.mapping)
        self.num_ws = self.synthesis.num_ws
        self.classes = c2l.Classes(settings.c_dim) if settings.c_dim else None

    # ------------------------------------------------------------------ files

    @classmethod
    def load(cls, source: c2l.Source) -> Self:
        """Read a network, on the CPU, in eval mode, with frozen weights.

        Args:
            source: its path is a ``.safetensors`` file written by ``save``; one with NVIDIA's
                tensor names and a JSON of the official init arguments beside it (same name,
                ``golden.json`` or ``config.json``); a folder with such a
                ``weights.safetensors``; or a JSON alone, for a network with fresh weights drawn
                from its ``seed``; NVIDIA's own ``.pkl``, of PyTorch or TensorFlow; or what
                ``torch.save`` wrote of these, or of the StyleGAN2s of rosinality, BasicSR,
                mmgeneration and genforce. Nothing in a file is ever executed.
        Raises:
            BadWeights: the file is truncated, is not a StyleGAN, has tensors that do not fit, or
                contains executable content.
        """
        if source.path is None:
            raise BadWeights(
                "a StyleGAN needs a file", hint="Name one, as in stylegan:./network.safetensors"
            )
        found = stored.read(source.path)
        if found.tensors is None:
            fresh = cls._without_memory(found.settings, None, source.path)
            if (size := sum(p.numel() for p in fresh.parameters())) > _MOST_FRESH_PARAMETERS:
                raise BadWeights(
                    f"{source.path} describes a network of {size:,} parameters, which is too large"
                )
            return cls.initialised(found.settings, seed=found.seed).eval().requires_grad_(False)
        network = cls._without_memory(found.settings, found.tensors, source.path)
        network.remarks, tensors = found.remarks, dict(found.tensors)
        del found  # so that each tensor is free once it is copied
        fill(network, tensors)
        return network.eval().requires_grad_(False)

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Whether ``load`` would understand the file; reads only its header."""
        return stored.recognises(path)

    @classmethod
    def initialised(cls, settings: Settings, *, seed: int = 0) -> Self:
        """A network with fresh weights, distributed as in the papers, ready to be trained.

        The same seed gives the same weights; the global random state is left alone.
        """
        with drawing_weights(seed):
            return cls(settings)

    @classmethod
    def describe(cls, path: Path) -> MappingType[str, Any]:
        """Family, sizes and number of parameters of the network in a file, without making it.

        Raises:
            BadWeights: as ``load``.
        """
        found = stored.read(path, values=False)
        settings = found.settings
        network = cls._without_memory(settings, found.tensors, path)
        return {
            "family": family_of(settings),
            "resolution": max(settings.image_size),
            "height": settings.image_size[0],
            "width": settings.image_size[1],
            "channels": settings.img_channels,
            "z_dim": settings.z_dim,
            "w_dim": settings.w_dim,
            "num_ws": network.num_ws,
            "classes": settings.c_dim,
            "parameters": sum(parameter.numel() for parameter in network.parameters()),
            **({"remarks": "; ".join(found.remarks)} if found.remarks else {}),
        }

    def save(self, path: Path, *, half: bool = False) -> None:
        """Write the network to one ``.safetensors`` file that ``load`` reads.

        Args:
            half: store the convolutions in float16, for half the size; images then differ by
                about one part in a thousand.
        Raises:
            NotWritable: the folder cannot be written.
        """
        own.write(Path(path), self.network_settings, self.state_dict(), half=half)

    def _compute_in(self, dtype: torch.dtype) -> None:
        """Compute the features of the four highest resolutions in ``dtype``; weights stay float32.

        The error of bfloat16 is one to a few hundredths of an image's standard deviation, that of
        float16 about a tenth of it.

        Raises:
            BadInput: float16 in a network without a clamp, which keeps the sums in range; less
                than float32 in a StyleGAN3 on a CPU, whose fast ways are all in float32.
        """
        name, clamp = self.reference or "this network", self.network_settings.conv_clamp
        if dtype == torch.float16 and clamp is None:
            raise BadInput(
                f"{name} was not trained for fp16: it has no clamp",
                hint='Use `precision="bf16"` or `precision="float32"`',
                field="precision",
            )
        is_stylegan3 = isinstance(self.synthesis, Synthesis3)
        if dtype != torch.float32 and is_stylegan3 and self.device.type == "cpu":
            raise BadInput(
                f"{name} is a StyleGAN3, which is fastest in float32 on a CPU",
                hint='Use `precision="float32"`',
                field="precision",
            )
        self.synthesis.feature_dtype = dtype

    def settings(self) -> MappingType[str, Any]:
        """The family and its settings, JSON-able."""
        settings = self.network_settings
        return {"family": family_of(settings), **settings.to_dict()}

    @classmethod
    def _without_memory(
        cls, settings: Settings, tensors: MappingType[str, Tensor] | None, path: Path
    ) -> Self:
        """A network on the device "meta", whose names and shapes are those of the tensors."""
        if tensors is not None:
            has_average = "mapping.w_avg" in tensors
            mapping = dataclasses.replace(settings.mapping, has_average=has_average)
            settings = dataclasses.replace(settings, mapping=mapping)
        with torch.device("meta"), drawing_weights(0):  # what lies on the CPU even so
            network = cls(settings)
        if tensors is not None:
            network._check(tensors, path)
        return network

    def _check(self, tensors: MappingType[str, Tensor], path: Path) -> None:
        for name, tensor in tensors.items():
            owner, _, leaf = name.rpartition(".")
            if leaf.endswith("_filter"):
                _adopt_filter(self, owner, leaf, tensor)
        if wrong := misfits(self.state_dict(), tensors):
            raise BadWeights(
                f"{path} does not fit its settings: {wrong}",
                hint="Check that the description belongs to these weights",
            )

    # ------------------------------------------------------------------ latents

    @property
    def _layout(self) -> c2l.LatentLayout:
        return c2l.LatentLayout(1, self.network_settings.w_dim, (self.num_ws,))

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the images, in pixels."""
        return self.network_settings.image_size

    def sample_latents(self, seeds: Sequence[int]) -> Tensor:
        """Draw latents w as NVIDIA's scripts do: z from numpy's ``RandomState`` of each seed.

        A network with classes is given one for each seed, see ``c2l.Classes.draw``.

        Args:
            seeds: B integers from 0 to 2**64 - 1; row i depends on ``seeds[i]`` alone.
        Returns:
            float32, shape (B, 1, w_dim).
        Raises:
            BadInput: a seed is out of range.
        """
        if self.classes is not None:
            return self.sample_class_latents(seeds, self.classes.draw(seeds))
        return self._map(self._noise(seeds), None)[:, None]

    def sample_class_latents(self, seeds: Sequence[int], classes: Sequence[int]) -> Tensor:
        """Draw latents w of given classes; a seed has the same z for each class.

        Args:
            seeds: as in ``sample_latents``.
            classes: B numbers.
        Returns:
            float32, shape (B, 1, w_dim).
        Raises:
            BadInput: a seed is out of range, there is no such class, or there are none at all.
        """
        if self.classes is None:
            return super().sample_class_latents(seeds, classes)
        return self._map(self._noise(seeds), self._labels(classes))[:, None]

    def _noise(self, seeds: Sequence[int]) -> Tensor:
        return numpy_normal(seeds, self.network_settings.z_dim)

    def _labels(self, classes: Sequence[int]) -> Tensor:
        assert self.classes is not None
        numbers = torch.tensor([self.classes.number(n) for n in classes], dtype=torch.int64)
        return nn.functional.one_hot(numbers, self.classes.num).float()

    def map(
        self,
        z: Tensor,
        class_labels: Tensor | None = None,
        truncation: float = 1.0,
        truncation_cutoff: int | None = None,
    ) -> Tensor:
        """Map noise to latents.

        Args:
            z: float32, shape (B, z_dim), standard normal.
            class_labels: float32, shape (B, c_dim), one-hot; None is the label of zeros, which
                no training shows.
            truncation: pulls the latents towards their mean, 1 leaves them as they are.
            truncation_cutoff: the number of layers, from the first, that truncation applies to.
        Returns:
            ws, float32, shape (B, num_ws, w_dim).
        Raises:
            BadInput: the shapes do not fit the network.
        """
        ws = self._map(z, class_labels)[:, None].repeat(1, self.num_ws, 1)
        if truncation == 1:
            return ws
        mean, _ = self._mean_and_std()
        near = mean.lerp(ws[:, :truncation_cutoff], truncation)
        return torch.cat([near, ws[:, near.shape[1] :]], dim=1)

    # ------------------------------------------------------------------ images

    def synthesize(
        self,
        latents: Tensor,
        *,
        truncation: float = 1.0,
        repeats: Sequence[int] | None = None,
        noise: Noise = "const",
    ) -> Tensor:
        """Draw the images of latents. Differentiable in the latents and in the weights.

        Args:
            latents: float32, shape (B, 1, w_dim), (B, num_ws, w_dim), or (B, K, w_dim) with
                ``repeats``.
            truncation: pulls the latents towards their mean: 1 leaves them, 0 gives the mean
                image.
            repeats: for layer groups, K numbers that sum to num_ws.
            noise: "const" adds the stored noise maps, "none" adds none, "random" adds maps that
                follow from each latent, the same in any batch. StyleGAN3 has no noise.
        Returns:
            float32, shape (B, 3, H, W), range [-1, 1] up to overshoot. The grey of one or two
            channels is repeated; channels after the third are left out.
        Raises:
            BadInput: the latents do not fit the latent space.
        """
        if noise not in ("const", "none", "random"):
            raise BadInput(
                f"`noise` must be 'const', 'none' or 'random', not {noise!r}", field="noise"
            )
        latents = latents.to(self.device, torch.float32)
        ws = self._layout.expand(latents, repeats)
        if truncation != 1:
            mean, _ = self._mean_and_std()
            ws = mean.lerp(ws, truncation)
        images: Tensor = self.synthesis(ws, noise=noise)
        return as_rgb(images)

    def _map(self, z: Tensor, class_labels: Tensor | None) -> Tensor:
        c_dim = self.network_settings.c_dim
        z = check_noise(z, self.network_settings.z_dim).to(self.device, torch.float32)
        if c_dim == 0:
            labels = None
        elif class_labels is None:
            labels = z.new_zeros(len(z), c_dim)
        elif class_labels.shape == (len(z), c_dim):
            labels = class_labels.to(self.device, torch.float32)
        else:
            raise BadInput(
                f"class_labels have shape ({len(z)}, {c_dim}), not {tuple(class_labels.shape)}",
                field="class_labels",
            )
        w: Tensor = self.mapping(z, labels)
        return w

    def _latents_to_measure(self) -> Tensor:
        z = np.random.RandomState(0).randn(NUM_MEASURED, self.network_settings.z_dim)
        drawn = self.classes and self.classes.draw(range(NUM_MEASURED))
        return self._map(torch.from_numpy(z), self._labels(drawn) if drawn else None)

    def _average(self) -> Tensor | None:
        return self.mapping.w_avg


def _adopt_filter(root: nn.Module, owner: str, leaf: str, stored: Tensor) -> None:
    # Filters are small and stored with the network: what was trained with is what is used, also
    # where another number of taps than the settings imply was stored.
    modules = dict(root.named_modules())
    buffers = modules[owner]._buffers if owner in modules else {}
    place = buffers.get(leaf)
    if place is not None and place.shape != stored.shape and stored.ndim in (1, 2):
        buffers[leaf] = torch.empty(stored.shape, device=place.device)
