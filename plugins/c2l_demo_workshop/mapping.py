"""The mapping network of the demo's generators, in closed form.

A drawn world is a function of its scene code (`codes.encode`), so that code, times `CODE_SCALE`, is
the generator's w. What is left for the mapping network is to turn Gaussian z into codes with the
world's own frequencies, and two fully connected layers can be set to do so without any training:

* each attribute and each nuisance reads one coordinate of z, after the network's normalisation;
* a steep ramp at a quantile of that coordinate is the difference of two leaky ReLUs, and the
  ramps of an attribute, subtracted from each other, are its one-hot;
* a nuisance is the piecewise linear curve through some points of the coordinate's distribution
  function, so it comes out uniform;
* codes are not negative, and there the leaky ReLU of the last layer changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from c2l_demo.worlds import World
from c2l_demo_workshop.codes import code_width

CODE_SCALE = 2.0  # w = CODE_SCALE * code
Z_DIM = 64
LR_MULTIPLIER = 0.01
STEEPNESS = 500.0  # one in 1/0.0008 draws falls on a ramp in the middle of the distribution
CURVE = (0.002, 0.02, 0.06, 0.15, 0.3, 0.5, 0.7, 0.85, 0.94, 0.98, 0.998)

_SLOPE = 0.2  # of the leaky ReLU for negative input
_GAIN = math.sqrt(2)  # of the activation


class Marginal:
    """The distribution of one coordinate of a Gaussian vector that was scaled to unit rms.

    It is a coordinate of a point on the sphere of radius sqrt(width): its density is
    proportional to (1 - x^2 / width) ^ ((width - 3) / 2), a little lighter-tailed than normal.
    """

    def __init__(self, width: int, points: int = 200_001) -> None:
        edge = math.sqrt(width)
        self.x = np.linspace(-edge, edge, points)
        density = np.maximum(1 - self.x**2 / width, 0) ** ((width - 3) / 2)
        mass = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
        self.cdf = mass / mass[-1]

    def quantile(self, p: Sequence[float]) -> npt.NDArray[np.float64]:
        """Where the distribution function reaches `p`."""
        return np.interp(p, self.cdf, self.x)


@dataclass
class _Layers:
    """The two layers being filled in; their first gains are left to the caller."""

    rows: list[tuple[int, float, float]] = field(default_factory=list)  # z coordinate, slope, bias
    ties: list[tuple[int, int, float]] = field(default_factory=list)  # output, hidden, weight
    offsets: dict[int, float] = field(default_factory=dict)  # output -> bias

    def kink(self, coordinate: int, at: float, slope: float) -> int:
        """A hidden unit lrelu(slope * (x - at)); returns its index."""
        self.rows.append((coordinate, slope, -slope * at))
        return len(self.rows) - 1

    def tie(self, output: int, hidden: int, weight: float) -> None:
        """Add a hidden unit to an output."""
        self.ties.append((output, hidden, weight))

    def add(self, output: int, value: float) -> None:
        """Add a constant to an output."""
        self.offsets[output] = self.offsets.get(output, 0.0) + value


def mapping_settings(world: World) -> dict[str, object]:
    """The settings of the mapping network that `mapping_tensors` fills."""
    layers = _solve(world)
    return {
        "num_layers": 2,
        "layer_features": len(layers.rows),
        "lr_multiplier": LR_MULTIPLIER,
        "activation": "lrelu",
    }


def mapping_tensors(world: World) -> Mapping[str, Tensor]:
    """The tensors of the mapping network, under the network's own names, float32."""
    layers = _solve(world)
    hidden, width = len(layers.rows), code_width(world)
    first, first_bias = np.zeros((hidden, Z_DIM)), np.zeros(hidden)
    for i, (coordinate, slope, bias) in enumerate(layers.rows):
        first[i, coordinate], first_bias[i] = slope, bias
    second, second_bias = np.zeros((width, hidden)), np.zeros(width)
    for output, i, weight in layers.ties:
        # The gain of the first activation is undone here, that of the last one below.
        second[output, i] += weight / _GAIN
    for output, value in layers.offsets.items():
        second_bias[output] = value
    second, second_bias = second * CODE_SCALE / _GAIN, second_bias * CODE_SCALE / _GAIN
    arrays = {
        # What is stored is multiplied by these gains when the network runs.
        "mapping.fc0.weight": first / (LR_MULTIPLIER / math.sqrt(Z_DIM)),
        "mapping.fc0.bias": first_bias / LR_MULTIPLIER,
        "mapping.fc1.weight": second / (LR_MULTIPLIER / math.sqrt(hidden)),
        "mapping.fc1.bias": second_bias / LR_MULTIPLIER,
        "mapping.w_avg": mean_code(world) * CODE_SCALE,
    }
    return {name: torch.from_numpy(a.astype(np.float32)) for name, a in arrays.items()}


def mean_code(world: World) -> npt.NDArray[np.float64]:
    """The mean code of the scenes that `world.sample` draws."""
    frequencies = [p for attribute in world.attributes for p in attribute.weights]
    return np.array(frequencies + [0.5] * len(world.nuisances))


def _solve(world: World) -> _Layers:
    marginal, layers = Marginal(Z_DIM), _Layers()
    output = 0
    for coordinate, attribute in enumerate(world.attributes):
        _one_hot(layers, marginal, coordinate, output, attribute.weights)
        output += len(attribute.weights)
    for coordinate in range(len(world.attributes), len(world.attributes) + len(world.nuisances)):
        _uniform(layers, marginal, coordinate, output)
        output += 1
    return layers


def _one_hot(
    layers: _Layers,
    marginal: Marginal,
    coordinate: int,
    output: int,
    weights: tuple[float, ...],
) -> None:
    """Value j is on between the thresholds j and j + 1."""
    layers.add(output, 1.0)
    for j, threshold in enumerate(marginal.quantile(list(accumulate(weights[:-1]))), start=1):
        half = 0.5 / STEEPNESS
        up = layers.kink(coordinate, threshold - half, STEEPNESS)
        down = layers.kink(coordinate, threshold + half, STEEPNESS)
        # lrelu(up) - lrelu(down) goes from _SLOPE to 1.
        for value, sign in ((output + j, 1.0), (output + j - 1, -1.0)):
            layers.tie(value, up, sign / (1 - _SLOPE))
            layers.tie(value, down, -sign / (1 - _SLOPE))
            layers.add(value, -sign * _SLOPE / (1 - _SLOPE))


def _uniform(layers: _Layers, marginal: Marginal, coordinate: int, output: int) -> None:
    """The curve through the quantiles of `CURVE`, from 0 to 1."""
    knots = marginal.quantile(CURVE)
    values = np.array([0.0, *CURVE[1:-1], 1.0])
    slopes = np.concatenate([[0.0], np.diff(values) / np.diff(knots), [0.0]])
    turns = np.diff(slopes) / (1 - _SLOPE)  # they sum to zero: the curve is flat on both sides
    for knot, turn in zip(knots, turns, strict=True):
        layers.tie(output, layers.kink(coordinate, knot, 1.0), turn)
    # Left of all knots the units sum to the constant -_SLOPE * sum(turn * knot); take it off.
    layers.add(output, float(_SLOPE * (turns * knots).sum()))
