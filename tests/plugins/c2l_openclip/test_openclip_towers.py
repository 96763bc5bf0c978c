"""Our plain towers, and what open_clip builds for the rest, against open_clip itself."""

from __future__ import annotations

import json
from pathlib import Path

import open_clip
import pytest
import torch
from safetensors.torch import save_file

import c2l
from c2l.errors import BadWeights
from c2l_openclip.towers import PlainCLIP, PlainConfig

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


@pytest.mark.parametrize("vision", [VIT, RESNET], ids=["vit", "resnet"])
@pytest.mark.parametrize("quick_gelu", [False, True], ids=["gelu", "quickgelu"])
def test_plain_towers_equal_open_clip(tmp_path, vision, quick_gelu) -> None:
    config = {"embed_dim": 24, "vision_cfg": vision, "text_cfg": TEXT, "quick_gelu": quick_gelu}
    model = random_model(config)
    embedder = c2l.load_embedder(write(tmp_path / "model", config, model))
    assert isinstance(embedder.towers, PlainCLIP)
    ids = open_clip.get_tokenizer(f"local-dir:{tmp_path / 'model'}")(PROMPTS)
    images = prepared_images(vision["image_size"])
    with torch.no_grad():
        torch.testing.assert_close(
            embedder.embed_text(PROMPTS), model.encode_text(ids), atol=1e-5, rtol=1e-5
        )
        torch.testing.assert_close(
            embedder.towers.encode_image(images), model.encode_image(images), atol=1e-5, rtol=1e-5
        )


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
    "vision_cfg": {**VIT, "pool_type": "avg", "no_ln_pre": True},
    "text_cfg": {**TEXT, "no_causal_mask": True, "pool_type": "last", "proj_bias": True},
    "init_logit_bias": -10,
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


def test_which_architectures_are_plain() -> None:
    """A config is plain only if our towers would take its tensors, names and shapes alike."""
    plain = [
        arch
        for arch in open_clip.list_models()
        if PlainConfig.read(open_clip.get_model_config(arch)) is not None
    ]
    assert {"RN50", "ViT-B-32", "ViT-B-32-quickgelu", "ViT-L-14-336", "ViT-bigG-14"} <= set(plain)
    assert not {"ViT-B-16-SigLIP", "coca_ViT-B-32", "convnext_base", "roberta-ViT-B-32"} & set(
        plain
    )
    assert not {"MobileCLIP-S2", "EVA02-B-16", "PE-Core-B-16", "ViT-H-14-CLIPA"} & set(plain)
    for arch in ("RN50x16", "ViT-B-16-plus-240", "ViT-H-14-378-quickgelu", "ViT-bigG-14"):
        config = open_clip.get_model_config(arch)
        with torch.device("meta"):
            theirs = open_clip.CLIP(**config).state_dict()
            ours = PlainCLIP(PlainConfig.read(config)).state_dict()
        shapes = {k: v.shape for k, v in theirs.items() if not k.endswith("num_batches_tracked")}
        assert {k: v.shape for k, v in ours.items()} == shapes, arch


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
