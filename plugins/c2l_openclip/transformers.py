"""Transformers of text and of patches, as small inference modules.

The names of the tensors are open_clip's. No train mode, no dropout, no initialisation.

Legend: B batch, L tokens, W width of a tower, E width of the embedding.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from c2l import fast_linear, replayed
from c2l_openclip.architecture import TextSettings, TransformerSettings, ViTSettings


class Unset:
    """Leaves tensors as they are allocated: random ones take longer to draw than real ones to read.

    Not the meta device: its random functions import torch's compiler, which takes seconds.
    """

    def reset_parameters(self) -> None:
        """Nothing: the weights come from a file."""


class Linear(Unset, nn.Linear):
    """A linear layer whose weights come from a file."""

    def forward(self, x: Tensor) -> Tensor:
        return fast_linear(x, self.weight, self.bias)


class Conv2d(Unset, nn.Conv2d):
    """A convolution whose weights come from a file."""


class _Embedding(Unset, nn.Embedding):
    pass


class _QuickGELU(nn.Module):
    """The sigmoid approximation that OpenAI trained with."""

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


def _activation(name: str) -> nn.Module:
    modules = {"gelu": nn.GELU(), "quick_gelu": _QuickGELU(), "tanh": nn.GELU("tanh")}
    return modules[name]


class _Attention(nn.Module):
    """Multi-head self-attention with the tensor names of ``nn.MultiheadAttention``."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * width))
        self.out_proj = Linear(width, width)

    def forward(self, x: Tensor, causal: bool) -> Tensor:
        batch, length, width = x.shape
        qkv = fast_linear(x, self.in_proj_weight, self.in_proj_bias)
        q, k, v = qkv.view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        out: Tensor = self.out_proj(mixed.transpose(1, 2).reshape(batch, length, width))
        return out


class _MLP(nn.Module):
    def __init__(self, settings: TransformerSettings) -> None:
        super().__init__()
        self.c_fc = Linear(settings.width, settings.hidden)
        self.act = _activation(settings.activation)
        self.c_proj = Linear(settings.hidden, settings.width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.c_proj(self.act(self.c_fc(x)))
        return out


class _Block(nn.Module):
    """Pre-norm Transformer block."""

    def __init__(self, settings: TransformerSettings) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(settings.width, settings.epsilon)
        self.attn = _Attention(settings.width, settings.heads)
        self.ln_2 = nn.LayerNorm(settings.width, settings.epsilon)
        self.mlp = _MLP(settings)

    def forward(self, x: Tensor, causal: bool) -> Tensor:
        x = x + self.attn(self.ln_1(x), causal)
        out: Tensor = x + self.mlp(self.ln_2(x))
        return out


class _Transformer(nn.Module):
    def __init__(self, settings: TransformerSettings) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(_Block(settings) for _ in range(settings.layers))

    def forward(self, x: Tensor, causal: bool) -> Tensor:
        for block in self.resblocks:
            x = block(x, causal)
        return x


class VisionTransformer(nn.Module):
    """Patches and a class token; the embedding is read off that, or off the patches' mean."""

    def __init__(self, settings: ViTSettings, embed_dim: int) -> None:
        super().__init__()
        self.settings = settings
        inner = settings.transformer
        width, patch = inner.width, settings.patch_size
        self.conv1 = Conv2d(3, width, patch, stride=patch, bias=False)
        self.class_embedding = nn.Parameter(torch.empty(width))
        places = (settings.image_size // patch) ** 2 + 1
        self.positional_embedding = nn.Parameter(torch.empty(places, width))
        self.ln_pre = nn.LayerNorm(width, inner.epsilon) if settings.norm_first else nn.Identity()
        self.transformer = _Transformer(inner)
        self.ln_post = nn.LayerNorm(width, inner.epsilon)
        self.proj = nn.Parameter(torch.empty(width, embed_dim))

    def forward(self, images: Tensor) -> Tensor:
        patches = self.conv1(images).flatten(2).transpose(1, 2)
        first = self.class_embedding.expand(len(patches), 1, -1)
        x = self.ln_pre(torch.cat([first, patches], dim=1) + self.positional_embedding)
        x = self.transformer(x, causal=False)
        if not self.settings.average:
            x = self.ln_post(x[:, 0])
        elif self.settings.norm_last:
            x = self.ln_post(x[:, 1:].mean(dim=1))
        else:
            x = self.ln_post(x[:, 1:]).mean(dim=1)
        pooled: Tensor = x @ self.proj
        return pooled


class TextTransformer(nn.Module):
    """Tokens; the embedding is read off the end token, or off the last place.

    Args:
        num_rows: of the token table.
    """

    def __init__(self, settings: TextSettings, embed_dim: int, num_rows: int) -> None:
        super().__init__()
        self.settings = settings
        inner = settings.transformer
        width = inner.width
        self.token_embedding = _Embedding(num_rows, width)
        self.positional_embedding = nn.Parameter(torch.empty(settings.context_length, width))
        self.transformer = _Transformer(inner)
        self.ln_final = nn.LayerNorm(width, inner.epsilon)
        self.text_projection: nn.Parameter | Linear = (
            Linear(width, embed_dim)
            if settings.bias
            else nn.Parameter(torch.empty(width, embed_dim))
        )

    @replayed
    def embed(self, rows: Tensor, ends: Tensor) -> Tensor:
        """Rows of the token table (B, L), and which place to read (B,), to embeddings (B, E)."""
        x = self.token_embedding(rows) + self.positional_embedding[: rows.shape[1]]
        x = self.transformer(x, causal=self.settings.causal)
        pooled = self.ln_final(x[torch.arange(len(x), device=x.device), ends])
        if isinstance(self.text_projection, nn.Linear):
            projected: Tensor = self.text_projection(pooled)
        else:
            projected = pooled @ self.text_projection
        return projected
