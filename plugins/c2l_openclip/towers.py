"""The two towers of a plain CLIP, as small inference modules of our own.

Plain means OpenAI's architecture (Radford et al. 2021, arXiv:2103.00020): a Vision Transformer or
a modified ResNet beside a causal text Transformer pooled at its end token. The names of the
tensors are those of open_clip's ``CLIP``, so its state dicts load unchanged. These modules exist
because importing open_clip takes longer than everything else that a text needs; they have no
train mode, no dropout and no initialisation.

Legend: B batch, L tokens, W width of a tower, E width of the embedding, C/H/W of feature maps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class PlainConfig:
    """The part of open_clip's ``model_cfg`` that a plain CLIP has; the defaults are open_clip's."""

    embed_dim: int
    quick_gelu: bool
    image_size: int
    vision_layers: int | tuple[int, int, int, int]
    vision_width: int
    vision_heads: int
    patch_size: int
    vision_mlp: int
    context_length: int
    vocab_size: int
    text_layers: int
    text_width: int
    text_heads: int
    text_mlp: int

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> PlainConfig | None:
        """The config, or None where it asks for anything that a plain CLIP does not have."""
        top = dict(config)
        vision, text = dict(top.pop("vision_cfg", {})), dict(top.pop("text_cfg", {}))
        embed_dim, quick_gelu = top.pop("embed_dim", None), bool(top.pop("quick_gelu", False))
        layers, width = vision.pop("layers", 12), vision.pop("width", 768)
        head_width = vision.pop("head_width", 64)
        resnet = isinstance(layers, list | tuple)
        text_width = text.pop("width", 512)
        numbers = [
            embed_dim,
            vision.pop("image_size", 224),
            vision.pop("patch_size", 16) or 16,
            text.pop("context_length", 77),
            text.pop("vocab_size", 49408),
            text.pop("layers", 12),
            text.pop("heads", 8),
            width,
            head_width,
            text_width,
            *(layers if resnet else [layers]),
        ]
        ratios = [vision.pop("mlp_ratio", 4.0), text.pop("mlp_ratio", 4.0)]
        for section, standard in ((vision, _STANDARD_VISION), (text, _STANDARD_TEXT), (top, {})):
            if any(value and value != standard.get(key) for key, value in section.items()):
                return None
        if any(not isinstance(n, int) or n < 1 for n in numbers) or (resnet and len(layers) != 4):
            return None
        return cls(
            embed_dim=numbers[0],
            quick_gelu=quick_gelu,
            image_size=numbers[1],
            vision_layers=tuple(layers) if resnet else layers,
            vision_width=width,
            vision_heads=width * 32 // head_width if resnet else width // head_width,
            patch_size=numbers[2],
            vision_mlp=int(width * ratios[0]),
            context_length=numbers[3],
            vocab_size=numbers[4],
            text_layers=numbers[5],
            text_width=text_width,
            text_heads=numbers[6],
            text_mlp=int(text_width * ratios[1]),
        )


# Fields that may be written out with the value they have anyway, or that another field makes moot.
_STANDARD_VISION = {"pool_type": "tok", "pos_embed_type": "learnable", "block_type": "default"}
_STANDARD_TEXT = {"pool_type": "argmax", "proj_type": "linear", "block_type": "default"}


class PlainCLIP(nn.Module):
    """Both towers; ``token_embedding`` may have fewer rows than the tokenizer has tokens.

    Its tensors are uninitialised memory: load a state dict with ``assign=True``.

    Args:
        config: the architecture.
        num_rows: of the token table; None for the whole vocabulary.
    """

    def __init__(self, config: PlainConfig, num_rows: int | None = None) -> None:
        super().__init__()
        self.image_size = (config.image_size, config.image_size)
        width = config.text_width
        self.visual: nn.Module
        if isinstance(config.vision_layers, tuple):
            self.visual = _ModifiedResNet(config, config.vision_layers)
        else:
            self.visual = _VisionTransformer(config, config.vision_layers)
        self.token_embedding = _Embedding(num_rows or config.vocab_size, width)
        self.positional_embedding = nn.Parameter(torch.empty(config.context_length, width))
        self.transformer = _Transformer(
            width, config.text_layers, config.text_heads, config.text_mlp, config.quick_gelu
        )
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(torch.empty(width, config.embed_dim))
        self.logit_scale = nn.Parameter(torch.empty(()))

    @property
    def image_tower(self) -> nn.Module:
        """All that ``encode_image`` computes with."""
        return self.visual

    def encode_image(self, images: Tensor) -> Tensor:
        """Prepared images (B, 3, h, w) to embeddings (B, E), not normalised."""
        features: Tensor = self.visual(images)
        return features

    def encode_text(self, rows: Tensor, ends: Tensor) -> Tensor:
        """Rows of the token table to embeddings.

        Args:
            rows: int64, shape (B, L), L at most the context length. What comes after the end
                token has no influence, since attention is causal.
            ends: int64, shape (B,), the place of each end token.
        Returns:
            (B, E), not normalised.
        """
        x = self.token_embedding(rows) + self.positional_embedding[: rows.shape[1]]
        x = self.transformer(x, causal=True)
        pooled = self.ln_final(x[torch.arange(len(x), device=x.device), ends])
        projected: Tensor = pooled @ self.text_projection
        return projected


class _Unset:
    """Leaves tensors as they are allocated: random ones take longer to draw than real ones to read.

    Not the meta device: its random functions import torch's compiler, which takes seconds.
    """

    def reset_parameters(self) -> None:
        """Nothing: the weights come from a file."""


class _Linear(_Unset, nn.Linear):
    pass


class _Conv2d(_Unset, nn.Conv2d):
    pass


class _Embedding(_Unset, nn.Embedding):
    pass


class _QuickGELU(nn.Module):
    """The sigmoid approximation that OpenAI trained with."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


class _Attention(nn.Module):
    """Multi-head self-attention with the tensor names of ``nn.MultiheadAttention``."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * width))
        self.out_proj = _Linear(width, width)

    def forward(self, x: Tensor, causal: bool) -> Tensor:
        batch, length, width = x.shape
        qkv = F.linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = qkv.view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        out: Tensor = self.out_proj(mixed.transpose(1, 2).reshape(batch, length, width))
        return out


class _MLP(nn.Module):
    def __init__(self, width: int, hidden: int, quick_gelu: bool) -> None:
        super().__init__()
        self.c_fc = _Linear(width, hidden)
        self.act = _QuickGELU() if quick_gelu else nn.GELU()
        self.c_proj = _Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.c_proj(self.act(self.c_fc(x)))
        return out


class _Block(nn.Module):
    """Pre-norm Transformer block."""

    def __init__(self, width: int, heads: int, mlp: int, quick_gelu: bool) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = _Attention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = _MLP(width, mlp, quick_gelu)

    def forward(self, x: Tensor, causal: bool) -> Tensor:
        x = x + self.attn(self.ln_1(x), causal)
        out: Tensor = x + self.mlp(self.ln_2(x))
        return out


class _Transformer(nn.Module):
    def __init__(self, width: int, layers: int, heads: int, mlp: int, quick_gelu: bool) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(_Block(width, heads, mlp, quick_gelu) for _ in range(layers))

    def forward(self, x: Tensor, causal: bool) -> Tensor:
        for block in self.resblocks:
            x = block(x, causal)
        return x


class _VisionTransformer(nn.Module):
    """Patches and a class token; the embedding is read off the class token."""

    def __init__(self, config: PlainConfig, layers: int) -> None:
        super().__init__()
        width, patch = config.vision_width, config.patch_size
        self.conv1 = _Conv2d(3, width, patch, stride=patch, bias=False)
        self.class_embedding = nn.Parameter(torch.empty(width))
        places = (config.image_size // patch) ** 2 + 1
        self.positional_embedding = nn.Parameter(torch.empty(places, width))
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = _Transformer(
            width, layers, config.vision_heads, config.vision_mlp, config.quick_gelu
        )
        self.ln_post = nn.LayerNorm(width)
        self.proj = nn.Parameter(torch.empty(width, config.embed_dim))

    def forward(self, images: Tensor) -> Tensor:
        patches = self.conv1(images).flatten(2).transpose(1, 2)
        first = self.class_embedding.expand(len(patches), 1, -1)
        x = self.ln_pre(torch.cat([first, patches], dim=1) + self.positional_embedding)
        x = self.transformer(x, causal=False)
        pooled: Tensor = self.ln_post(x[:, 0]) @ self.proj
        return pooled


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


def _conv(inputs: int, outputs: int, kernel: int = 1, stride: int = 1) -> _Conv2d:
    return _Conv2d(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)


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
        self.q_proj, self.k_proj = _Linear(width, width), _Linear(width, width)
        self.v_proj, self.c_proj = _Linear(width, width), _Linear(width, embed_dim)

    def forward(self, features: Tensor) -> Tensor:
        x = features.flatten(2).transpose(1, 2)
        x = torch.cat([x.mean(dim=1, keepdim=True), x], dim=1) + self.positional_embedding
        q, k, v = (
            layer(part).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, part in ((self.q_proj, x[:, :1]), (self.k_proj, x), (self.v_proj, x))
        )
        pooled: Tensor = self.c_proj(F.scaled_dot_product_attention(q, k, v).flatten(1))
        return pooled


class _ModifiedResNet(nn.Module):
    """A ResNet with three stem convolutions and attention pooling."""

    def __init__(self, config: PlainConfig, layers: tuple[int, int, int, int]) -> None:
        super().__init__()
        width = config.vision_width
        self.conv1, self.bn1 = _conv(3, width // 2, 3, stride=2), _Norm(width // 2)
        self.conv2, self.bn2 = _conv(width // 2, width // 2, 3), _Norm(width // 2)
        self.conv3, self.bn3 = _conv(width // 2, width, 3), _Norm(width)
        inputs = width
        for stage, depth in enumerate(layers):
            planes = width << stage
            blocks = nn.Sequential()
            for place in range(depth):
                stride = 2 if stage and not place else 1
                blocks.append(_Bottleneck(inputs, planes, stride))
                inputs = 4 * planes
            self.add_module(f"layer{stage + 1}", blocks)
        self.attnpool = _AttentionPool(
            config.image_size // 32, inputs, config.vision_heads, config.embed_dim
        )

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        x = F.avg_pool2d(F.relu(self.bn3(self.conv3(x))), 2)
        for stage in range(1, 5):
            x = self.get_submodule(f"layer{stage}")(x)
        pooled: Tensor = self.attnpool(x)
        return pooled
