"""The network of a judge, which reads attributes off a picture, and the file that keeps it."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional as F

SIZE = 64  # the side that it looks at, in pixels; the largest that a CPU trains in minutes
WIDTHS = (16, 32, 64, 128)


class Block(nn.Module):
    """Halve the picture, then refine it once with a residual."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(before, after, 4, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(after)
        self.refine = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(after)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm(self.down(x)))
        return F.relu(x + self.norm2(self.refine(x)))


class JudgeNetwork(nn.Module):
    """Pictures (B, 3, H, W) in [-1, 1], H = W, to one tensor of logits for each attribute.

    Args:
        attributes: the values of each attribute, by name, in the world's order.
    """

    def __init__(self, attributes: dict[str, list[str]]) -> None:
        super().__init__()
        self.attributes = attributes
        self.first = nn.Conv2d(3, WIDTHS[0], 4, stride=2, padding=1)
        self.blocks = nn.Sequential(*map(Block, WIDTHS, WIDTHS[1:]))  # 32 -> 4
        # Where something is matters (ears, sky), so the 4 x 4 grid is read as it is.
        self.squeeze = nn.Conv2d(WIDTHS[-1], 32, 1)
        self.heads = nn.Linear(32 * 16, sum(map(len, attributes.values())))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        if images.shape[-2:] != (SIZE, SIZE):
            images = F.interpolate(images, (SIZE, SIZE), mode="area")
        x = self.blocks(F.relu(self.first(images)))
        logits: Tensor = self.heads(F.relu(self.squeeze(x)).flatten(1))
        return torch.split(logits, [len(values) for values in self.attributes.values()], dim=1)

    def save(self, path: Path, world: str) -> None:
        """Write the weights, matrices in 8 bits with a scale for each row.

        At 16 bits the two judges would be a tenth of the wheel.
        """
        state: dict[str, Tensor] = {}
        for name, value in self.state_dict().items():
            if value.ndim > 1:
                scale = value.flatten(1).abs().amax(1).clamp_min(1e-12) / 127
                shape = (-1, *[1] * (value.ndim - 1))
                state[name] = (value / scale.view(shape)).round().to(torch.int8).contiguous()
                state[f"{name}.scale"] = scale
            elif value.ndim == 1:
                state[name] = value.half()
        about = {"world": world, "attributes": json.dumps(self.attributes)}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(save(state, about))


def load_network(path: Path) -> JudgeNetwork:
    """Read what ``JudgeNetwork.save`` wrote, in eval mode."""
    with safe_open(path, "pt") as file:
        attributes: dict[str, list[str]] = json.loads(file.metadata()["attributes"])
        stored = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
    state = {}
    for name, value in stored.items():
        if name.endswith(".scale"):
            continue
        scale = stored.get(f"{name}.scale")
        shape = (-1, *[1] * (value.ndim - 1))
        state[name] = value if scale is None else value * scale.view(shape)
    network = JudgeNetwork(attributes)
    network.load_state_dict(state, strict=False)  # batch norm's counters are not stored
    return network.eval().requires_grad_(False)
