"""Both towers of a CLIP whose architecture is ours, with open_clip's names of tensors.

That is OpenAI's (Radford et al. 2021, arXiv:2103.00020), a Vision Transformer or a modified ResNet
beside a causal text Transformer, and those of CLIPA, with the text of SigLIP. State dicts of
open_clip load unchanged. These towers exist because importing open_clip takes longer than
everything else that a text needs.

Legend: B batch, L tokens, E width of the embedding.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from c2l_openclip.architecture import Architecture, ResNetSettings
from c2l_openclip.resnet import ModifiedResNet
from c2l_openclip.transformers import TextTransformer, VisionTransformer


class OwnTowers(nn.Module):
    """What embeds, wherever open_clip keeps the tensors of the two towers."""

    image_size: tuple[int, int]

    @property
    def image_tower(self) -> nn.Module:
        """All that ``encode_image`` computes with."""
        raise NotImplementedError

    @property
    def text_tower(self) -> TextTransformer:
        """All that ``encode_text`` computes with."""
        raise NotImplementedError

    @property
    def reads_to_the_end(self) -> bool:
        """Whether nothing after the end token has an influence, so that it may be left out."""
        return not self.text_tower.settings.last

    def encode_image(self, images: Tensor) -> Tensor:
        """Prepared images (B, 3, h, w) to embeddings (B, E), not normalised."""
        features: Tensor = self.image_tower(images)
        return features

    def encode_text(self, rows: Tensor, ends: Tensor) -> Tensor:
        """Rows of the token table to embeddings.

        Args:
            rows: int64, shape (B, L), L at most the context length.
            ends: int64, shape (B,), the place of each end token; moot to a tower that reads the
                last place.
        Returns:
            (B, E), not normalised.
        """
        tower = self.text_tower
        if tower.settings.last:
            ends = torch.full_like(ends, rows.shape[1] - 1)
        return tower.embed(rows, ends)


class JoinedTowers(OwnTowers, TextTransformer):
    """As open_clip's ``CLIP``, which keeps the tensors of the text beside the image tower.

    Args:
        num_rows: of the token table, perhaps fewer than the tokenizer has tokens.
    """

    def __init__(self, architecture: Architecture, num_rows: int) -> None:
        TextTransformer.__init__(self, architecture.text, architecture.embed_dim, num_rows)
        _add_the_rest(self, architecture)

    @property
    def image_tower(self) -> nn.Module:
        return self.get_submodule("visual")

    @property
    def text_tower(self) -> TextTransformer:
        return self


class _SeparateTowers(OwnTowers):
    """As open_clip's ``CustomTextCLIP``."""

    def __init__(self, architecture: Architecture, num_rows: int) -> None:
        super().__init__()
        self.text = TextTransformer(architecture.text, architecture.embed_dim, num_rows)
        _add_the_rest(self, architecture)

    @property
    def image_tower(self) -> nn.Module:
        return self.get_submodule("visual")

    @property
    def text_tower(self) -> TextTransformer:
        return self.text


class _InnerTowers(OwnTowers):
    """Names begin with ``model.``, as where open_clip builds the model.

    Which it did for all but a plain CLIP, so that their fingerprints are what they were.
    """

    def __init__(self, model: OwnTowers) -> None:
        super().__init__()
        self.model = model
        self.image_size = model.image_size

    @property
    def image_tower(self) -> nn.Module:
        return self.model.image_tower

    @property
    def text_tower(self) -> TextTransformer:
        return self.model.text_tower


def make_towers(architecture: Architecture, num_rows: int) -> OwnTowers:
    """Towers whose tensors are uninitialised memory: load a state dict with ``assign=True``."""
    kind = _SeparateTowers if architecture.custom else JoinedTowers
    towers = kind(architecture, num_rows)
    return towers if architecture.plain else _InnerTowers(towers)


def _add_the_rest(towers: OwnTowers, architecture: Architecture) -> None:
    vision = architecture.vision
    towers.image_size = (vision.image_size, vision.image_size)
    towers.visual = (
        ModifiedResNet(vision, architecture.embed_dim)
        if isinstance(vision, ResNetSettings)
        else VisionTransformer(vision, architecture.embed_dim)
    )
    towers.logit_scale = nn.Parameter(torch.empty(()))
    if architecture.logit_bias:
        towers.logit_bias = nn.Parameter(torch.empty(()))
