"""Our plain towers, and what open_clip builds for the rest, against open_clip itself."""

from __future__ import annotations

import json
import random
from pathlib import Path

import open_clip
import pytest
import torch
from safetensors.torch import save_file

import c2l
from c2l.errors import BadWeights
from c2l_openclip.architecture import Architecture
from c2l_openclip.checkpoints import AnyCLIP
from c2l_openclip.embedder import OpenCLIP
from c2l_openclip.towers import OwnTowers, make_towers

TEXT = {"context_length": 20, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
VIT = {"image_size": 48, "layers": 2, "width": 64, "head_width": 32, "patch_size": 16}
RESNET = {"image_size": 64, "layers": [1, 2, 1, 1], "width": 8, "head_width": 32}
PREPARED = {
    "mean": [0.5, 0.4, 0.3],
    "std": [0.2, 0.3, 0.4],
    "interpolation": "bilinear",
    "resize_mode": "squash",
}
PROMPTS = [
    "a red bird",
    "",
    "two old men with grey beards by the sea, and a dog that is not theirs at all",
]


def random_model(config: dict[str, object]) -> torch.nn.Module:
    """open_clip's own model with random tensors, its batch statistics among them."""
    torch.manual_seed(7)
    settings = dict(config)
    cls = open_clip.CustomTextCLIP if settings.pop("custom_text", False) else open_clip.CLIP
    if "multimodal_cfg" in settings:
        cls = open_clip.CoCa
    model = cls(**settings)
    for name, tensor in model.state_dict().items():
        norm = "bn" in name or "downsample.1" in name or "ln_" in name
        if norm and tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5)
    return model.eval()


def write(folder: Path, config: dict[str, object], model: torch.nn.Module, **more: object) -> str:
    folder.mkdir(exist_ok=True)
    whole = {"model_cfg": config, "preprocess_cfg": PREPARED, **more}
    (folder / "open_clip_config.json").write_text(json.dumps(whole))
    tensors = {k: v.clone().contiguous() for k, v in model.state_dict().items()}
    save_file(tensors, folder / "open_clip_model.safetensors")
    return f"openclip:{folder}"


def prepared_images(size: int) -> torch.Tensor:
    return torch.randn(3, 3, size, size, generator=torch.Generator().manual_seed(1))


def farthest(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """The largest difference of two embeddings, in parts of the norm."""
    return ((ours - theirs).norm(dim=1) / theirs.norm(dim=1)).max().item()


def drawn_config(seed: int) -> dict[str, object]:
    """A config with small sizes, by turns OpenAI's ViT and ResNet, CLIPA and SigLIP's text."""
    draw = random.Random(seed)
    heads, head_width = draw.choice([1, 2, 3]), draw.choice([8, 16])
    text = {
        "context_length": draw.choice([9, 20, 77]),
        "vocab_size": 49408,
        "width": 8 * heads,
        "heads": heads,
        "layers": draw.choice([1, 2, 3]),
    }
    vit = {
        "image_size": draw.choice([32, 48]),
        "layers": draw.choice([1, 2, 3]),
        "width": heads * head_width,
        "head_width": head_width,
        "patch_size": draw.choice([8, 16]),
        "mlp_ratio": draw.choice([2.0, 4.0, 4.3637]),
    }
    config = {"embed_dim": draw.choice([8, 24]), "vision_cfg": vit, "text_cfg": text}
    kind = seed % 4
    if kind == 1:
        layers = [draw.choice([1, 2]) for _ in range(4)]
        size = draw.choice([32, 64])
        config["vision_cfg"] = {
            **{"image_size": size, "layers": layers, "width": 8, "head_width": head_width},
            "patch_size": None,
        }
    if kind == 2:  # CLIPA
        vit |= {"no_ln_pre": True, "pool_type": "avg", "final_ln_after_pool": draw.random() < 0.5}
        vit |= {"pos_embed_type": draw.choice(["learnable", "sin_cos_2d"]), "width": 16 * heads}
        vit |= {"head_width": 16}
        text |= {"no_causal_mask": True, "pool_type": "last"}
    if kind == 3:  # SigLIP's text
        config |= {"custom_text": True, "init_logit_bias": -10}
        text |= {"no_causal_mask": True, "pool_type": "last", "proj_bias": True}
        text |= {"norm_kwargs": {"eps": 1e-6}, "tokenizer_kwargs": {"clean": "canonicalize"}}
        text |= {"act_kwargs": {"approximate": "tanh"}} if draw.random() < 0.5 else {}
    if "act_kwargs" not in text:
        config["quick_gelu"] = draw.random() < 0.5
    return config


@pytest.mark.parametrize("seed", range(20))
def test_own_towers_equal_open_clip(tmp_path, seed) -> None:
    config = drawn_config(seed)
    model = random_model(config)
    embedder = c2l.load_embedder(write(tmp_path / "model", config, model))
    assert isinstance(embedder.towers, OwnTowers)
    ids = open_clip.get_tokenizer(f"local-dir:{tmp_path / 'model'}")(PROMPTS)
    images = prepared_images(config["vision_cfg"]["image_size"])
    with torch.no_grad():
        assert farthest(embedder.embed_text(PROMPTS), model.encode_text(ids)) < 1e-6
        assert farthest(embedder.towers.encode_image(images), model.encode_image(images)) < 1e-6
    if not Architecture.read(config).plain:
        built = OpenCLIP(
            AnyCLIP(model), embedder.tokenizer, embedder.preprocessing, embedder.config
        )
        # Priors of before were trained with what open_clip built.
        assert embedder.fingerprint() == built.fingerprint()


COCA = {
    "embed_dim": 24,
    "custom_text": True,
    "vision_cfg": {**VIT, "attentional_pool": True, "attn_pooler_heads": 2, "output_tokens": True},
    "text_cfg": {**TEXT, "embed_cls": True, "output_tokens": True},
    "multimodal_cfg": {**TEXT, "attn_pooler_heads": 2},
}
CUSTOM = {
    "embed_dim": 24,
    "custom_text": True,
    "vision_cfg": {**VIT, "ls_init_value": 0.1},
    "text_cfg": {**TEXT, "no_causal_mask": True, "pool_type": "argmax"},
}


@pytest.mark.parametrize("config", [CUSTOM, COCA], ids=["custom", "coca"])
def test_other_architectures_are_open_clip_s_own(tmp_path, config) -> None:
    model = random_model(config)
    embedder = c2l.load_embedder(write(tmp_path / "model", config, model))
    ids = open_clip.get_tokenizer(f"local-dir:{tmp_path / 'model'}")(PROMPTS)
    images = prepared_images(48)
    with torch.no_grad():
        text = embedder.embed_text(PROMPTS)
        torch.testing.assert_close(text, model.encode_text(ids, normalize=False))
        torch.testing.assert_close(
            embedder.towers.encode_image(images), model.encode_image(images, normalize=False)
        )
    # CoCa normalises unless told not to.
    assert (text.norm(dim=1) - 1).abs().max() > 0.01
    assert not any(module.training for module in embedder.modules())


def test_which_architectures_are_ours() -> None:
    """A config is ours only if our towers take its tensors, names and shapes alike."""
    ours = [
        arch
        for arch in open_clip.list_models()
        if Architecture.read(open_clip.get_model_config(arch)) is not None
    ]
    assert {"RN50", "ViT-B-32", "ViT-B-32-quickgelu", "ViT-L-14-336", "ViT-bigG-14"} <= set(ours)
    assert "ViT-H-14-CLIPA" in ours
    assert not {"ViT-B-16-SigLIP", "coca_ViT-B-32", "convnext_base", "roberta-ViT-B-32"} & set(ours)
    assert not {"MobileCLIP-S2", "EVA02-B-16", "PE-Core-B-16"} & set(ours)
    for arch in ("RN50x16", "ViT-B-16-plus-240", "ViT-H-14-378-quickgelu", "ViT-bigG-14"):
        config = open_clip.get_model_config(arch)
        with torch.device("meta"):
            theirs = open_clip.CLIP(**config).state_dict()
            towers = make_towers(Architecture.read(config), config["text_cfg"]["vocab_size"])
        shapes = {k: v.shape for k, v in theirs.items() if not k.endswith("num_batches_tracked")}
        assert {k: v.shape for k, v in towers.state_dict().items()} == shapes, arch


def test_weights_of_another_model_are_refused(tmp_path) -> None:
    config = {"embed_dim": 24, "vision_cfg": VIT, "text_cfg": TEXT}
    model = random_model(config)
    other = {**config, "vision_cfg": {**VIT, "width": 96}}
    with pytest.raises(BadWeights, match="does not hold the model that its config describes"):
        c2l.load_embedder(write(tmp_path / "model", other, model))
    file = tmp_path / "model" / "open_clip_model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(BadWeights, match="is cut off or damaged"):
        c2l.load_embedder(f"openclip:{tmp_path / 'model'}")
