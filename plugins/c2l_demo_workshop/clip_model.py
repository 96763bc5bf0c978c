"""The embedder's two towers, with the heads and losses that training adds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from torch import Tensor, nn
from torch.nn import functional as F

from c2l_demo_workshop.corpus import IMAGE_SIZE, Batch, Labels, TextBatch, consistent
from c2l_demo_workshop.words import CONTEXT_LENGTH, Vocabulary

EMBED_DIM = 128
VISION: dict[str, Any] = {"image_size": IMAGE_SIZE, "layers": [1, 1, 1, 1], "width": 16,
                          "patch_size": None}  # fmt: skip
TEXT: dict[str, Any] = {"context_length": CONTEXT_LENGTH, "vocab_size": 49408, "width": 128,
                        "heads": 4, "layers": 2}  # fmt: skip
PREPROCESS: dict[str, Any] = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic",
                              "resize_mode": "shortest"}  # fmt: skip


class Heads(nn.Module):
    """Reads every attribute linearly off a unit embedding."""

    def __init__(self, sizes: Sequence[int]) -> None:
        super().__init__()
        self.sizes = list(sizes)
        self.linear = nn.Linear(EMBED_DIM, sum(sizes))
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))

    def forward(self, embeddings: Tensor) -> tuple[Tensor, ...]:
        """Embeddings (B, E), any length, to one tensor of logits (B, values) per attribute."""
        logits: Tensor = self.linear(F.normalize(embeddings, dim=-1) * self.log_scale.exp())
        return torch.split(logits, self.sizes, dim=-1)

    def loss(self, embeddings: Tensor, labels: Tensor, weights: Sequence[float]) -> Tensor:
        """Cross entropy over all labels that are known, weighted by attribute."""
        total = embeddings.new_zeros(())
        count = 0.0
        for logits, wanted, weight in zip(self(embeddings), labels.unbind(1), weights, strict=True):
            total = total + weight * F.cross_entropy(
                logits, wanted, ignore_index=-1, reduction="sum"
            )
            count += weight * int((wanted >= 0).sum())
        return total / max(count, 1.0)


def contrast(texts: Tensor, images: Tensor, true: Tensor, scale: Tensor) -> Tensor:
    """Cross entropy, both ways, against all true partners in equal parts.

    Args:
        texts, images: unit embeddings (T, E), (I, E).
        true: bool (T, I).
        scale: factor on the cosines.
    """
    logits = scale * texts @ images.T
    target = true.float()
    by_text = -(target * logits.log_softmax(1)).sum(1) / target.sum(1).clamp(min=1)
    by_image = -(target * logits.log_softmax(0)).sum(0) / target.sum(0).clamp(min=1)
    has_text = true.any(0).float()
    return (by_text.mean() + (by_image * has_text).sum() / has_text.sum().clamp(min=1)) / 2


def new_model(vocabulary: Vocabulary) -> CLIP:
    """A CLIP whose token table has one row for each piece of the vocabulary."""
    text = {**TEXT, "vocab_size": len(vocabulary)}
    model = CLIP(EMBED_DIM, CLIPVisionCfg(**VISION), CLIPTextCfg(**text))
    model.visual.to(memory_format=torch.channels_last)
    return model


def encode_rows(model: CLIP, rows: Tensor, ends: Tensor) -> Tensor:
    """The text tower on rows (B, L <= context); causal, so that the padding is never seen."""
    length = rows.shape[1]
    x = model.token_embedding(rows) + model.positional_embedding[:length]
    x = model.transformer(x, attn_mask=model.attn_mask[:length, :length])
    x = model.ln_final(x)[torch.arange(len(rows)), ends]
    out: Tensor = x @ model.text_projection
    return out


class Learner(nn.Module):
    """The CLIP with the heads that only training needs."""

    def __init__(self, vocabulary: Vocabulary, labels: Labels) -> None:
        super().__init__()
        self.clip = new_model(vocabulary)
        self.heads = Heads(labels.sizes)
        self.weights = labels.weights

    def loss(self, batch: Batch, weight: float) -> tuple[Tensor, dict[str, float]]:
        """What a training step descends, and its terms for the log."""
        images = self.clip.encode_image(batch.images)
        texts = encode_rows(self.clip, batch.rows, batch.ends)
        by_image = self.heads.loss(images, batch.shown, self.weights)
        by_text = self.heads.loss(texts, batch.named, self.weights)
        pairs, gap = self.meet(texts, batch.named, F.normalize(images, dim=-1), batch.shown)
        loss = by_image + by_text + weight * (pairs + gap)
        terms = {"image": by_image, "text": by_text, "pairs": pairs, "gap": gap.sqrt()}
        return loss, {name: float(term.detach()) for name, term in terms.items()}

    def text_loss(self, batch: TextBatch, weight: float) -> tuple[Tensor, dict[str, float]]:
        """The same for captions alone, against pictures that are embedded already."""
        texts = encode_rows(self.clip, batch.rows, batch.ends)
        by_text = self.heads.loss(texts, batch.named, self.weights)
        pairs, gap = self.meet(texts, batch.named, batch.images, batch.shown)
        terms = {"text": by_text, "pairs": pairs, "gap": gap.sqrt()}
        loss = by_text + weight * (pairs + gap)
        return loss, {name: float(term.detach()) for name, term in terms.items()}

    def meet(
        self, texts: Tensor, named: Tensor, images: Tensor, shown: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The contrastive loss, and how far apart the two clouds are, squared."""
        texts = F.normalize(texts, dim=-1)
        scale = self.clip.logit_scale.exp().clamp(max=50.0)
        pairs = contrast(texts, images, consistent(named, shown), scale)
        # In each world (the first label), both clouds about one centre: a prior that was trained
        # on pictures is asked with texts.
        gap = texts.new_zeros(())
        for world in set(named[:, 0].tolist()):
            centres = images[shown[:, 0] == world].mean(0), texts[named[:, 0] == world].mean(0)
            gap = gap + (centres[0] - centres[1]).square().sum()
        return pairs, gap
