"""How EG3D makes pictures of planes: light gathered along rays, each in two passes.

The first pass looks at places that lie evenly along a ray; the second at more of them where the
first found something. The official code moves every place at random within its share of the ray,
anew at each call. Here it is the middle of its share: a picture follows from its latent alone, is
the same in any batch, and has no grain.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from c2l_stylegan.shared import allows_fast_path

_PLACES_AT_ONCE = 1 << 14
"""What is computed of so many fits the cache of a processor."""
_ALMOST_OPAQUE = 1e-10
_LEAST_WEIGHT = 0.01
_LEAST_SHARE = 1e-5
_MARGIN = 0.001
"""Colours reach a little beyond 0 and 1, so that both can be reached (Barron et al. 2021)."""


@dataclass(frozen=True)
class March:
    """How rays are followed.

    Args:
        near, far: where they begin and end.
        coarse, fine: at how many places each pass looks.
        is_white: whether there is white where a ray meets nothing; black otherwise.
    """

    near: float
    far: float
    coarse: int
    fine: int
    is_white: bool

    def depths(self) -> Tensor:
        """Of the first pass, (coarse,): its last place lies beyond ``far``, as in training."""
        step = (self.far - self.near) / (self.coarse - 1)
        return torch.linspace(self.near, self.far, self.coarse) + step / 2


class Planes:
    """Three planes of features that cross in the middle of the world.

    Args:
        planes: (3, C, H, W).
        axes: for each plane, which axes of the world run along its width and its height.
        box: the side of the cube that they span; outside, there are zeros.
    """

    def __init__(self, planes: Tensor, axes: tuple[tuple[int, int], ...], box: float) -> None:
        self._height, self._width = planes.shape[2:]
        # Pixels as rows: what is looked up is a sum of rows, which is four times faster than
        # to interpolate in each channel.
        self._rows = planes.permute(2, 3, 0, 1).reshape(-1, planes.shape[1])
        self._axes, self._scale = torch.tensor(axes, device=planes.device), 2 / box

    def at(self, places: Tensor) -> Tensor:
        """Features (N, C) at places (N, 3) of the world: the mean of all planes."""
        num = len(self._axes)
        size = places.new_tensor([self._width, self._height])
        # (2, planes, N), in pixels.
        found = (places.T * self._scale)[self._axes.T]
        found = ((found + 1) * size[:, None, None] - 1) / 2
        corner = found.floor()
        share = found - corner
        first = torch.arange(num, device=places.device)[:, None]
        indices, weights = [], []
        for right in (0, 1):
            for down in (0, 1):
                x, y = corner[0] + right, corner[1] + down
                weight = (share[0] if right else 1 - share[0]) * (
                    share[1] if down else 1 - share[1]
                )
                inside = (x >= 0) & (x < self._width) & (y >= 0) & (y < self._height)
                pixel = torch.where(inside, y * self._width + x, 0).long()
                indices.append(pixel * num + first)
                weights.append(weight * inside / num)
        return F.embedding_bag(
            torch.cat(indices).T.contiguous(),
            self._rows,
            per_sample_weights=torch.cat(weights).T.contiguous(),
            mode="sum",
        )


class Decoder(nn.Module):
    """Features of a place to its density and its colours, before their squashing.

    Args:
        features, hidden, colours: widths.
    """

    def __init__(self, features: int, hidden: int, colours: int) -> None:
        super().__init__()
        self.first = nn.Linear(features, hidden)
        self.last = nn.Linear(hidden, 1 + colours)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, features) to densities (N,) and colours (N, colours)."""
        x = self.last(_softplus(self.first(x)))
        return x[:, 0], x[:, 1:].sigmoid()


def seen(
    planes: Planes, decoder: Decoder, start: Tensor, directions: Tensor, march: March
) -> Tensor:
    """What comes along rays: colours (rays, C) from -1 to 1.

    Args:
        start: where all rays begin, (3,).
        directions: (rays, 3), of length one.
    """
    depths = march.depths().to(start.device)
    parts = []
    for some in directions.split(max(1, _PLACES_AT_ONCE // max(march.coarse, march.fine))):
        first = depths.expand(len(some), -1)
        density, colours = _looked_at(planes, decoder, start, some, first)
        with torch.no_grad():
            weights = _weights(density, first)
            second = _where_there_is_more(first, weights, march.fine)
        other_density, other_colours = _looked_at(planes, decoder, start, some, second)
        every, order = torch.cat([first, second], dim=1).sort(dim=1)
        density = torch.cat([density, other_density], dim=1).gather(1, order)
        weights = _weights(density, every)
        # Between two places lies the mean of their colours. Sums of weights are put where the
        # colours are, which are thirty times as many.
        shares = F.pad(weights, (0, 1)) + F.pad(weights, (1, 0))
        shares = torch.zeros_like(shares).scatter(1, order, shares / 2)
        colours = torch.cat([colours, other_colours], dim=1)
        light = torch.einsum("rs,rsc->rc", shares, colours)
        total = weights.sum(dim=1, keepdim=True)
        light = light * (1 + 2 * _MARGIN) - total * _MARGIN
        if march.is_white:
            light = light + 1 - total
        parts.append(light * 2 - 1)
    return torch.cat(parts)


def _looked_at(
    planes: Planes, decoder: Decoder, start: Tensor, directions: Tensor, depths: Tensor
) -> tuple[Tensor, Tensor]:
    """Densities (rays, places) and colours (rays, places, C) at depths (rays, places)."""
    places = start + depths[:, :, None] * directions[:, None]
    density, colours = decoder(planes.at(places.reshape(-1, 3)))
    return density.reshape(depths.shape), colours.reshape(*depths.shape, -1)


def _weights(density: Tensor, depths: Tensor) -> Tensor:
    """How much is seen of what lies between each two places, (rays, places - 1)."""
    thickness = _softplus((density[:, 1:] + density[:, :-1]) / 2 - 1) * depths.diff(dim=1)
    light = (-thickness).exp()
    passed = (light + _ALMOST_OPAQUE).cumprod(dim=1)
    return (1 - light) * F.pad(passed[:, :-1], (1, 0), value=1.0)


def _softplus(x: Tensor) -> Tensor:
    """As torch's own, to seven digits of one.

    Half of all time would go into its ``log1p``, which is several times slower than ``log`` and
    ``exp`` together.
    """
    if not allows_fast_path(x):
        return F.softplus(x)
    return x.abs().neg_().exp_().add_(1).log_().add_(x.clamp_min(0))


def _where_there_is_more(depths: Tensor, weights: Tensor, num: int) -> Tensor:
    """Depths of the second pass (rays, num), as dense as what the first one saw.

    The middles of ``num`` equal shares of it. As in training, weights are smoothed first, and
    those at both ends are left out.
    """
    rays = len(depths)
    smooth = F.avg_pool1d(F.max_pool1d(weights[:, None], 2, 1, padding=1), 2, 1)[:, 0]
    smooth = smooth[:, 1:-1] + _LEAST_WEIGHT + _LEAST_SHARE
    ends = F.pad((smooth / smooth.sum(dim=1, keepdim=True)).cumsum(dim=1), (1, 0))
    middles = (depths[:, 1:] + depths[:, :-1]) / 2
    wanted = ((torch.arange(num, device=depths.device) + 0.5) / num).expand(rays, -1).contiguous()
    above = torch.searchsorted(ends, wanted, right=True).clamp(1, smooth.shape[1])
    below = above - 1
    low, high = ends.gather(1, below), ends.gather(1, above)
    near, far = middles.gather(1, below), middles.gather(1, above)
    return near + (wanted - low) / (high - low) * (far - near)
