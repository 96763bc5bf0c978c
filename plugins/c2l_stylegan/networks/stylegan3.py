"""The synthesis network of StyleGAN3, configurations T and R (Karras et al. 2021, 2106.12423).

Features are samples of band-limited signals. Each layer convolves, then applies its leaky ReLU at
a higher sampling rate than it stores, between an upsampling and a downsampling filter, so that
what the nonlinearity adds beyond the band is removed rather than aliased. Sizes include a margin
around the picture, so that nothing is learnt from its borders.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from c2l import replayed
from c2l_stylegan.cpu.fast_path import allows_fast_path, records_gradients
from c2l_stylegan.cpu.filtered_lrelu_strips import LayerInStrips
from c2l_stylegan.cpu.row_convolutions import row_convolution
from c2l_stylegan.cpu.scratch import Scratch
from c2l_stylegan.cpu.threads import RowBlock, for_each_row_block
from c2l_stylegan.networks.filtered_lrelu import FilteredLeakyReLU
from c2l_stylegan.networks.filters import lowpass_filter
from c2l_stylegan.networks.initial_weights import normal, uniform, uniform_in_disc
from c2l_stylegan.networks.mapping import FullyConnected, unit_rms
from c2l_stylegan.networks.modulated import NUM_REDUCED, Modulated
from c2l_stylegan.networks.noise import Noise
from c2l_stylegan.networks.settings import Signal, StyleGAN3Settings


def signals(settings: StyleGAN3Settings) -> list[Signal]:
    """The output of the input layer... and of each layer: num_layers + 1 signals.

    The cutoff grows geometrically up to the Nyquist limit of the image, which the last
    ``num_critical`` layers and the colours work at (section 3.2 of the paper), unless the
    settings list the signals.
    """
    if settings.signals:
        return list(settings.signals)
    found = []
    side = settings.img_resolution
    last_cutoff = side / 2
    growth = last_cutoff / settings.first_cutoff
    stop_growth = last_cutoff * settings.last_stopband_rel / settings.first_stopband
    for i in range(settings.num_layers + 1):
        exponent = min(i / (settings.num_layers - settings.num_critical), 1.0)
        cutoff = settings.first_cutoff * growth**exponent
        stopband = settings.first_stopband * stop_growth**exponent
        rate = 2 ** math.ceil(math.log2(min(stopband * 2, side)))
        is_colours = i == settings.num_layers
        has_margin = i < settings.num_layers - 1
        channels = round(min(settings.channel_base / 2 / cutoff, settings.channel_max))
        size = rate + 2 * settings.margin_size if has_margin else side
        found.append(
            Signal(
                cutoff=cutoff,
                half_width=max(stopband, rate / 2) - cutoff,
                sampling_rate=rate,
                size=(size, size),
                channels=settings.img_channels if is_colours else channels,
            )
        )
    return found


class FourierInput(nn.Module):
    """Sine waves of fixed frequencies, moved and turned by the latent, then mixed.

    Buffers:
        freqs, phases: (C, 2) in cycles per image, (C,) in cycles.
        transform: (3, 3), the user's own movement of the image, identity unless set; it maps
            coordinates of the image to where their content comes from.
    """

    freqs: Tensor
    phases: Tensor
    transform: Tensor

    def __init__(self, w_dim: int, signal: Signal) -> None:
        super().__init__()
        self.signal = signal
        freqs = uniform_in_disc(signal.channels, signal.cutoff)
        self.weight = nn.Parameter(normal(signal.channels, signal.channels))
        self.affine = FullyConnected(w_dim, 4)
        with torch.no_grad():
            self.affine.weight.zero_()
            self.affine.bias[0] = 1.0
        self.register_buffer("transform", torch.eye(3, device="cpu"))
        self.register_buffer("freqs", freqs)
        self.register_buffer("phases", uniform(signal.channels) - 0.5)

    def forward(self, w: Tensor) -> Tensor:
        """w (B, w_dim) to features (B, C, *size), channels last."""
        signal = self.signal
        transform = self._movement(w) @ self.transform
        freqs = self.freqs @ transform[:, :2, :2]
        phases = self.phases + (self.freqs @ transform[:, :2, 2:]).squeeze(2)

        # Frequencies that the transform pushed out of the band fade out, lest they alias.
        excess = freqs.norm(dim=2) - signal.cutoff
        amplitudes = (1 - excess / (signal.sampling_rate / 2 - signal.cutoff)).clamp(0, 1)

        rows, columns = (self._places(num, w) for num in signal.size)
        across = columns * freqs[:, None, :, 0]
        down = rows * freqs[:, None, :, 1] + phases[:, None]
        waves = torch.sin((across[:, None, :] + down[:, :, None]) * (2 * math.pi))
        weight = self.weight.T / math.sqrt(signal.channels)
        mixed: Tensor = (waves * amplitudes[:, None, None]) @ weight
        return mixed.permute(0, 3, 1, 2)

    def _places(self, num: int, w: Tensor) -> Tensor:
        """Where ``num`` samples lie, in image sizes from the centre: (num, 1)."""
        steps = torch.arange(num, device=w.device, dtype=w.dtype)
        return (steps[:, None] + 0.5 - num / 2) / self.signal.sampling_rate

    def _movement(self, w: Tensor) -> Tensor:
        """The rotation, then the translation that the latents ask for: (B, 3, 3)."""
        t = self.affine(w)
        c, s, x, y = (t / t[:, :2].norm(dim=1, keepdim=True)).unbind(1)
        zero, one = torch.zeros_like(c), torch.ones_like(c)
        rows = [[c, -s, s * y - c * x], [s, c, -s * x - c * y], [zero, zero, one]]
        return torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)


class Layer(Modulated):
    """A modulated convolution and a filtered leaky ReLU; for the colours, neither filter nor ReLU.

    Args:
        before, after: what comes in and what goes out.
        is_torgb: the last layer, which is not demodulated.
        is_critical: works at the Nyquist limit of the image, where the filter stays separable.
    """

    magnitude_ema: Tensor
    up_filter: Tensor | None
    down_filter: Tensor | None

    def __init__(
        self,
        before: Signal,
        after: Signal,
        settings: StyleGAN3Settings,
        *,
        is_torgb: bool,
        is_critical: bool,
    ) -> None:
        super().__init__()
        self.is_torgb, self.sampling_rate = is_torgb, after.sampling_rate
        self.feature_dtype = torch.float32
        size = 1 if is_torgb else settings.conv_kernel
        self.padding = size - 1
        self.affine = FullyConnected(settings.w_dim, before.channels, bias=1.0)
        drawn = normal(after.channels, before.channels, size, size)
        self.weight = nn.Parameter(drawn.contiguous(memory_format=torch.channels_last))
        self.bias = nn.Parameter(torch.zeros(after.channels))
        self.register_buffer("magnitude_ema", torch.ones(()))

        oversampling = 1 if is_torgb else settings.lrelu_upsampling
        rate = max(before.sampling_rate, after.sampling_rate) * oversampling
        up, down = rate // before.sampling_rate, rate // after.sampling_rate
        self.register_buffer(
            "up_filter",
            lowpass_filter(
                settings.filter_size * up if up > 1 and not is_torgb else 1,
                cutoff=before.cutoff,
                width=before.half_width * 2,
                sampling_rate=rate,
            ),
        )
        self.register_buffer(
            "down_filter",
            lowpass_filter(
                settings.filter_size * down if down > 1 and not is_torgb else 1,
                cutoff=after.cutoff,
                width=after.half_width * 2,
                sampling_rate=rate,
                radial=settings.use_radial_filters and not is_critical,
            ),
        )
        self.activate = FilteredLeakyReLU(
            up=up,
            down=down,
            in_size=(before.size[0] + size - 1, before.size[1] + size - 1),
            out_size=after.size,
            slope=1.0 if is_torgb else 0.2,
            gain=1.0 if is_torgb else math.sqrt(2),
            clamp=settings.conv_clamp,
        )

    def forward(self, x: Tensor, w: Tensor, scratch: Scratch) -> Tensor:
        """Features (B, in, H, W) and latents (B, w_dim) to features (B, out, H', W').

        The result may live in the buffer "features" of ``scratch``; ``x`` must not.
        """
        x = x.to(self.feature_dtype)
        styles, scale = self._modulation(w)
        if self._runs_in_strips(x):
            return self._in_strips(x, styles, scale, scratch)
        convolve = self.modulated(x.shape, styles, scale, self.bias, dtype=x.dtype)
        filters = (f if f is None else f.to(x.dtype) for f in (self.up_filter, self.down_filter))
        activated: Tensor = self.activate(convolve(x, True, scratch), *filters)
        return activated

    def _modulation(self, w: Tensor) -> tuple[Tensor, Tensor]:
        """What multiplies the channels before and after the convolution: (B, in), (B, out)."""
        styles = self.affine(w)
        input_gain = self.magnitude_ema.rsqrt()
        if self.is_torgb:
            gain = input_gain / math.sqrt(self.weight.shape[1])
            return styles, gain.expand(len(styles), len(self.weight))
        # Only ratios matter to what is demodulated: weights and styles are brought to a mean
        # square of one (for the weights, through ``scale``), which keeps sums in range.
        power = self.power()
        unit = (power.sum(dim=1) / self.weight[0].numel()).rsqrt()
        styles = unit_rms(styles)
        demodulation = (styles.square() @ power.T * unit.square() + 1e-8).rsqrt()
        return styles, demodulation * unit * input_gain

    def _runs_in_strips(self, x: Tensor) -> bool:
        has_filters = self.up_filter is not None and self.down_filter is not None
        is_exact = x.dtype in (torch.float32, torch.float64)
        return has_filters and is_exact and allows_fast_path(x)

    def _in_strips(self, x: Tensor, styles: Tensor, scale: Tensor, scratch: Scratch) -> Tensor:
        assert self.up_filter is not None and self.down_filter is not None
        convolution = row_convolution(self.weight, scratch)
        strips = LayerInStrips(convolution, self.activate, self.up_filter, self.down_filter)
        height, width = self.activate.out_size
        y = scratch.take("features", len(x), height, width, len(self.weight))
        images = x.permute(0, 2, 3, 1)

        def work(block: RowBlock) -> None:
            i, own = block.image, scratch.of_worker(block.worker)
            strips.run(images[i], styles[i], scale[i], self.bias, y[i], block.rows, own)

        for_each_row_block(work, len(images), height, multiple=self.activate.up)
        return y.permute(0, 3, 1, 2)


class Synthesis3(nn.Module):
    """Latents to an image: ``input``, then layers named ``L{index}_{size}_{channels}``."""

    def __init__(self, settings: StyleGAN3Settings) -> None:
        super().__init__()
        self.num_ws = settings.num_layers + 2
        self.output_scale = settings.output_scale
        flow = signals(settings)
        self.input = FourierInput(settings.w_dim, flow[0])
        self.layer_names = []
        for i, (before, after) in enumerate(zip([flow[0], *flow], flow, strict=False)):
            layer = Layer(
                before,
                after,
                settings,
                is_torgb=i == settings.num_layers,
                is_critical=i >= settings.num_layers - settings.num_critical,
            )
            name = f"L{i}_{after.size[1]}_{after.channels}"
            self.add_module(name, layer)
            self.layer_names.append(name)

    @property
    def feature_dtype(self) -> torch.dtype:
        """Of the features in the four highest resolutions, and of the convolutions between them.

        Less than float32 is for GPUs; on a CPU the ways that make this network fast are not taken
        then. Styles, demodulation and the colours stay in float32. It may be set at any time.
        """
        dtype: torch.dtype = getattr(self, self.layer_names[-2]).feature_dtype
        return dtype

    @feature_dtype.setter
    def feature_dtype(self, dtype: torch.dtype) -> None:
        *layers, colours = self.layers()
        for layer in layers:
            is_reduced = layer.sampling_rate * 2**NUM_REDUCED > colours.sampling_rate
            layer.feature_dtype = dtype if is_reduced else torch.float32

    def layers(self) -> Iterator[Layer]:
        """The layers, from the input to the colours."""
        for name in self.layer_names:
            yield getattr(self, name)

    def forward(self, ws: Tensor, noise: Noise = "const") -> Tensor:
        """ws (B, num_ws, w_dim) to images (B, img_channels, H, W).

        ``noise`` is that of StyleGAN2 and has no effect: a StyleGAN3 has none.
        """
        return self._drawn(ws, self.feature_dtype)

    @replayed
    def _drawn(self, ws: Tensor, _: torch.dtype) -> Tensor:
        """Images; in another dtype of the features, other kernels draw them."""
        with torch.set_grad_enabled(records_gradients(self, ws)):
            x: Tensor = self.input(ws[:, 0])
            scratch = Scratch(x)
            for i, layer in enumerate(self.layers(), start=1):
                x = layer(x, ws[:, i], scratch)
                scratch.swap("features", "features before")
            return x * self.output_scale
