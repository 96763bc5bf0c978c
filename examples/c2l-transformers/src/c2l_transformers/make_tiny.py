"""Makes a tiny random model, as transformers itself writes it.

``python -m c2l_transformers.make_tiny clip FOLDER``, or ``siglip``: to try things out, and to test.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPTokenizer,
    PreTrainedTokenizerFast,
    SiglipConfig,
    SiglipImageProcessor,
    SiglipModel,
)

LETTERS = "abcdefghijklmnopqrstuvwxyz"
SIZES = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}
VISION = {**SIZES, "image_size": 24, "patch_size": 8}


def write_clip(folder: Path) -> Path:
    """Byte-level pairs as of CLIP, without any merges: a token for each letter."""
    tokens = [*LETTERS, *(letter + "</w>" for letter in LETTERS)]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    for special in ("<|startoftext|>", "<|endoftext|>"):
        vocabulary[special] = len(vocabulary)
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=20)
    start, end = tokenizer.bos_token_id, tokenizer.eos_token_id
    text = {
        **SIZES,
        "vocab_size": len(vocabulary),
        "max_position_embeddings": 20,
        "bos_token_id": start,
        "eos_token_id": end,
        "pad_token_id": end,
    }
    config = CLIPConfig(text_config=text, vision_config=VISION, projection_dim=16)
    images = CLIPImageProcessor(
        size={"shortest_edge": 28}, crop_size={"height": 24, "width": 24}, resample=3
    )
    return _write(folder, CLIPModel, config, tokenizer, images)


def write_siglip(folder: Path) -> Path:
    """Whole words, and as SigLIP's tokenizer an end and no beginning."""
    vocabulary = {"<pad>": 0, "</s>": 1, "<unk>": 2}
    for word in [*LETTERS, "man", "woman", "red", "hat", "beach", "night", "tree", "boat"]:
        vocabulary.setdefault(word, len(vocabulary))
    backend = Tokenizer(models.WordPiece(vocabulary, unk_token="<unk>"))
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.post_processor = processors.TemplateProcessing("$0 </s>", special_tokens=[("</s>", 1)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
    text = {
        **SIZES,
        "vocab_size": len(vocabulary),
        "max_position_embeddings": 12,
        "bos_token_id": 1,
        "eos_token_id": 1,
        "pad_token_id": 0,
    }
    config = SiglipConfig(text_config=text, vision_config=VISION)
    images = SiglipImageProcessor(size={"height": 24, "width": 24}, resample=2)
    return _write(folder, SiglipModel, config, tokenizer, images)


def _write(folder: Path, model_class: Any, config: Any, tokenizer: Any, images: Any) -> Path:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = model_class(config).eval()
        with torch.no_grad():
            for parameter in model.parameters():  # as initialised, all texts are nearly alike
                parameter.add_(0.1 * torch.randn_like(parameter))
    for part in (model, tokenizer, images):
        part.save_pretrained(folder)
    return folder


if __name__ == "__main__":
    {"clip": write_clip, "siglip": write_siglip}[sys.argv[1]](Path(sys.argv[2]))
