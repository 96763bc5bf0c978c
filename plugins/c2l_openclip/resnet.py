"""OpenAI's modified ResNet, as a small inference module with open_clip's names of tensors.

Legend: B batch, C/H/W of feature maps, L places, E width of the embedding.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from c2l_openclip.architecture import ResNetSettings
from c2l_openclip.transformers import Conv2d, Linear


class _Norm(nn.Module):
    """Batch normalisation with the statistics of training, which is all that inference needs."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width))
        self.bias = nn.Parameter(torch.empty(width))
        self.register_buffer("running_mean", torch.empty(width))
        self.register_buffer("running_var", torch.empty(width))

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(
            x,
            self.get_buffer("running_mean"),
            self.get_buffer("running_var"),
            self.weight,
            self.bias,
        )


def _conv(inputs: int, outputs: int, kernel: int = 1, stride: int = 1) -> Conv2d:
    return Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)


class _Bottleneck(nn.Module):
    """Strides are average pools, so that nothing aliases."""

    def __init__(self, inputs: int, planes: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = _conv(inputs, planes), _Norm(planes)
        self.conv2, self.bn2 = _conv(planes, planes, 3), _Norm(planes)
        self.conv3, self.bn3 = _conv(planes, 4 * planes), _Norm(4 * planes)
        self.stride = stride
        self.downsample: nn.ModuleList | None = None
        if stride > 1 or inputs != 4 * planes:
            self.downsample = nn.ModuleList([_conv(inputs, 4 * planes), _Norm(4 * planes)])

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        if self.stride > 1:
            y, x = F.avg_pool2d(y, self.stride), F.avg_pool2d(x, self.stride)
        if self.downsample is not None:
            for layer in self.downsample:
                x = layer(x)
        return F.relu(self.bn3(self.conv3(y)) + x)


class _AttentionPool(nn.Module):
    """One query, the mean of the feature map, attends to the map and to itself."""

    def __init__(self, side: int, width: int, heads: int, embed_dim: int) -> None:
        super().__init__()
        self.heads = heads
        self.positional_embedding = nn.Parameter(torch.empty(side * side + 1, width))
        self.q_proj, self.k_proj = Linear(width, width), Linear(width, width)
        self.v_proj, self.c_proj = Linear(width, width), Linear(width, embed_dim)

    def forward(self, features: Tensor) -> Tensor:
        x = features.flatten(2).transpose(1, 2)
        x = torch.cat([x.mean(dim=1, keepdim=True), x], dim=1) + self.positional_embedding
        q, k, v = (
            layer(part).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, part in ((self.q_proj, x[:, :1]), (self.k_proj, x), (self.v_proj, x))
        )
        pooled: Tensor = self.c_proj(F.scaled_dot_product_attention(q, k, v).flatten(1))
        return pooled


class ModifiedResNet(nn.Module):
    """A ResNet with three stem convolutions and attention pooling."""

    def __init__(self, settings: ResNetSettings, embed_dim: int) -> None:
        super().__init__()
        width = settings.width
        self.conv1, self.bn1 = _conv(3, width // 2, 3, stride=2), _Norm(width // 2)
        self.conv2, self.bn2 = _conv(width // 2, width // 2, 3), _Norm(width // 2)
        self.conv3, self.bn3 = _conv(width // 2, width, 3), _Norm(width)
        inputs = width
        for stage, depth in enumerate(settings.layers):
            planes = width << stage
            blocks = nn.Sequential()
            for place in range(depth):
                stride = 2 if stage and not place else 1
                blocks.append(_Bottleneck(inputs, planes, stride))
                inputs = 4 * planes
            self.add_module(f"layer{stage + 1}", blocks)
        self.attnpool = _AttentionPool(settings.image_size // 32, inputs, settings.heads, embed_dim)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        x = F.avg_pool2d(F.relu(self.bn3(self.conv3(x))), 2)
        for stage in range(1, 5):
            x = self.get_submodule(f"layer{stage}")(x)
        pooled: Tensor = self.attnpool(x)
        return pooled
