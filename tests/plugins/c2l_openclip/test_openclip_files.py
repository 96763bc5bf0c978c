"""Weights that OpenCLIP did not write as it publishes them: training, OpenAI's, transformers'."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

import c2l
from c2l.errors import BadWeights
from c2l_openclip.embedder import OpenCLIP

PREPARED = {
    "mean": [0.5, 0.4, 0.3],
    "std": [0.2, 0.3, 0.4],
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}
CONFIG = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": 64, "layers": 2, "width": 64, "head_width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 2},
    "quick_gelu": True,
}
RESNET = {**CONFIG, "vision_cfg": {"image_size": 64, "layers": [1, 2, 1, 1], "width": 16}}
PROMPTS = ["a red bird", "two old men by the sea"]


def model(config: dict[str, Any]) -> Any:
    torch.manual_seed(3)
    return open_clip.CLIP(**json.loads(json.dumps(config))).eval()


def write_config(folder: Path, config: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    whole = {"model_cfg": config, "preprocess_cfg": PREPARED}
    (folder / "open_clip_config.json").write_text(json.dumps(whole))
    return folder


def assert_same(embedder: Any, wanted: Any) -> None:
    images = torch.rand(2, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        pictures = wanted.encode_image(embedder.preprocessing(images))
        texts = wanted.encode_text(open_clip.tokenize(PROMPTS))
    torch.testing.assert_close(embedder.embed_images(images), pictures, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(embedder.embed_text(PROMPTS), texts, rtol=1e-4, atol=1e-5)


def epoch(number: int, state: dict[str, Tensor], *, prefix: str = "module.") -> dict[str, Any]:
    named = {prefix + name: tensor for name, tensor in state.items()}
    adam = {"state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.ones(5)}},
            "param_groups": [{"lr": np.float64(1e-4), "params": [0]}]}  # fmt: skip
    return {"epoch": number, "name": "run", "state_dict": named, "optimizer": adam,
            "scaler": {"scale": 65536.0}}  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}])
@pytest.mark.parametrize("prefix", ["module.", ""])
def test_epochs_of_a_training(prefix: str, options: Any, tmp_path: Path) -> None:
    folder = write_config(tmp_path / "run", CONFIG)
    early, late = model(CONFIG), model(CONFIG)
    torch.nn.init.normal_(early.token_embedding.weight)
    for number, of in ((9, early), (10, late)):
        state = epoch(number, of.state_dict(), prefix=prefix)
        torch.save(state, folder / f"epoch_{number}.pt", **options)
    assert_same(c2l.load_embedder(folder), late)
    assert OpenCLIP.recognises(folder / "epoch_9.pt")
    assert_same(c2l.load_embedder(folder / "epoch_9.pt"), early)


@pytest.mark.parametrize("described", ["by its arguments", "by a config"])
def test_the_folder_of_a_training(
    described: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``params.txt`` above ``checkpoints``, as open_clip_train lays it out."""
    run = tmp_path / "2026-run"
    (run / "checkpoints").mkdir(parents=True)
    wanted, other = model({**CONFIG, "quick_gelu": True}), model(CONFIG)
    torch.nn.init.normal_(other.token_embedding.weight)
    torch.save(epoch(9, other.state_dict()), run / "checkpoints" / "epoch_9.pt")
    torch.save(epoch(10, wanted.state_dict()), run / "checkpoints" / "epoch_10.pt")
    if described == "by a config":
        write_config(run, CONFIG)
    else:
        known = {**CONFIG, "quick_gelu": False}
        known["vision_cfg"] = {**CONFIG["vision_cfg"], "image_size": 224}
        monkeypatch.setattr(
            open_clip, "get_model_config", {"Tiny-16": json.loads(json.dumps(known))}.get
        )
        (run / "params.txt").write_text(
            "batch_size: 64\nforce_image_size: [64]\nforce_quick_gelu: True\n"
            "image_interpolation: None\nimage_mean: None\nimage_std: [0.2, 0.3, 0.4]\n"
            "model: Tiny/16\nname: 2026: a run\npretrained: \n"
        )
    for path in (run, run / "checkpoints" / "epoch_10.pt"):
        assert OpenCLIP.recognises(path)
        embedder = c2l.load_embedder(path)
        assert_same(embedder, wanted)
        assert embedder.preprocessing.std == (0.2, 0.3, 0.4)
    assert_same(c2l.load_embedder(run / "checkpoints" / "epoch_9.pt"), other)


def test_a_training_of_an_unknown_architecture(tmp_path: Path) -> None:
    (tmp_path / "params.txt").write_text("model: ViT-Q-7\n")
    torch.save(epoch(1, {}), tmp_path / "epoch_1.pt")
    with pytest.raises(BadWeights, match="ViT-Q-7, which open_clip does not know"):
        c2l.load_embedder(tmp_path)
    (tmp_path / "params.txt").write_text("of another tool\n")
    assert not OpenCLIP.recognises(tmp_path)


def test_towers_that_are_not_plain_open_too(tmp_path: Path) -> None:
    config = {**CONFIG, "vision_cfg": {**CONFIG["vision_cfg"], "pool_type": "avg"}}
    wanted = model(config)
    folder = write_config(tmp_path / "run", config)
    torch.save(epoch(1, wanted.state_dict()), folder / "epoch_1.pt")
    assert_same(c2l.load_embedder(folder), wanted)


def test_weights_that_want_something_executed(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "canary"),)

    folder = write_config(tmp_path / "run", CONFIG)
    torch.save({**epoch(1, {}), "args": Evil()}, folder / "epoch_1.pt")
    with pytest.raises(BadWeights, match=r"mkdir.*Do not trust this file"):
        c2l.load_embedder(folder)
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("config", [CONFIG, RESNET], ids=["vit", "resnet"])
def test_archives_as_openai_published_them(config: dict[str, Any], tmp_path: Path) -> None:
    wanted = model(config)
    inputs = torch.zeros(1, 3, 64, 64), torch.zeros(1, 77, dtype=torch.int64)
    path = tmp_path / "ViT-X.pt"
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(wanted.half().float(), inputs), path)
    assert OpenCLIP.recognises(path)
    embedder = c2l.load_embedder(path)
    assert_same(embedder, wanted)
    assert embedder.preprocessing.mean == pytest.approx((0.4815, 0.4578, 0.4082), abs=1e-4)


def test_other_files_say_what_they_lack(tmp_path: Path) -> None:
    torch.save(model(CONFIG).state_dict(), tmp_path / "alone.pt")
    with pytest.raises(BadWeights, match="does not say which architecture"):
        c2l.load_embedder(f"openclip:{tmp_path / 'alone.pt'}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.ones(1, 2)), tmp_path / "l.pt")
    with pytest.raises(BadWeights, match="none of OpenAI's CLIPs"):
        c2l.load_embedder(f"openclip:{tmp_path / 'l.pt'}")


def as_transformers(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The names of transformers' ``CLIPModel``, written from its modules."""
    found = {
        "logit_scale": state["logit_scale"],
        "text_projection.weight": state["text_projection"].T.contiguous(),
        "visual_projection.weight": state["visual.proj"].T.contiguous(),
        "text_model.embeddings.token_embedding.weight": state["token_embedding.weight"],
        "text_model.embeddings.position_embedding.weight": state["positional_embedding"],
        "text_model.embeddings.position_ids": torch.arange(77)[None],
        "vision_model.embeddings.class_embedding": state["visual.class_embedding"],
        "vision_model.embeddings.patch_embedding.weight": state["visual.conv1.weight"],
        "vision_model.embeddings.position_embedding.weight": state["visual.positional_embedding"],
    }
    norms = {
        "text_model.final_layer_norm": "ln_final",
        "vision_model.pre_layrnorm": "visual.ln_pre",
        "vision_model.post_layernorm": "visual.ln_post",
    }
    for tower, ours in (("text", "transformer"), ("vision", "visual.transformer")):
        for i in range(2):
            theirs = f"{tower}_model.encoder.layers.{i}"
            block = f"{ours}.resblocks.{i}"
            for leaf in ("weight", "bias"):
                joined = state[f"{block}.attn.in_proj_{leaf}"].chunk(3)
                for letter, part in zip("qkv", joined, strict=True):
                    found[f"{theirs}.self_attn.{letter}_proj.{leaf}"] = part.clone()
            norms |= {
                f"{theirs}.self_attn.out_proj": f"{block}.attn.out_proj",
                f"{theirs}.layer_norm1": f"{block}.ln_1",
                f"{theirs}.layer_norm2": f"{block}.ln_2",
                f"{theirs}.mlp.fc1": f"{block}.mlp.c_fc",
                f"{theirs}.mlp.fc2": f"{block}.mlp.c_proj",
            }
    for theirs, ours in norms.items():
        found |= {f"{theirs}.{leaf}": state[f"{ours}.{leaf}"] for leaf in ("weight", "bias")}
    return found


@pytest.mark.parametrize("act", ["quick_gelu", "gelu"])
def test_folders_of_transformers(act: str, tmp_path: Path) -> None:
    wanted = model({**CONFIG, "quick_gelu": act == "quick_gelu"})
    sizes = {"hidden_size": 64, "intermediate_size": 256, "num_attention_heads": 1}
    tower = {**sizes, "num_hidden_layers": 2, "hidden_act": act}
    vision = {**tower, "image_size": 64, "patch_size": 16}
    config = {
        "model_type": "clip",
        "projection_dim": 64,
        "text_config": tower,
        "vision_config": vision,
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "preprocessor_config.json").write_text(
        json.dumps({"image_mean": [0.5] * 3, "image_std": [0.25] * 3, "resample": 2})
    )
    state = as_transformers(wanted.state_dict())
    save_file({n: t.contiguous() for n, t in state.items()}, tmp_path / "model.safetensors")
    assert OpenCLIP.recognises(tmp_path)
    embedder = c2l.load_embedder(tmp_path)
    assert_same(embedder, wanted)
    assert embedder.preprocessing.std == (0.25, 0.25, 0.25)
    assert embedder.preprocessing.interpolation == "bilinear"
    (tmp_path / "model.safetensors").unlink()
    for part, names in ((1, list(state)[::2]), (2, list(state)[1::2])):
        some = {name: state[name] for name in names}
        torch.save(some, tmp_path / f"pytorch_model-0000{part}-of-00002.bin")
    assert c2l.load_embedder(tmp_path).fingerprint() == embedder.fingerprint()
    (tmp_path / "pytorch_model-00001-of-00002.bin").unlink()
    with pytest.raises(BadWeights, match=r"lacks pytorch_model-00001-of-00002\.bin"):
        c2l.load_embedder(tmp_path)
    torch.save(state, tmp_path / "pytorch_model.bin")
    assert c2l.load_embedder(tmp_path).fingerprint() == embedder.fingerprint()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "siglip"}, "is a siglip of transformers.*ViT-B-16-SigLIP/webli"),
        ({"model_type": "bert"}, "is a bert of transformers"),
        (
            {"model_type": "clip", "text_config": {"hidden_act": "relu"}},
            "hidden_act quick_gelu, relu",
        ),
        ({"model_type": "clip", "text_config": {"vocab_size": 9}}, "vocab_size 9"),
    ],
)
def test_other_models_of_transformers(config: Any, message: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(BadWeights, match=message):
        c2l.load_embedder(f"openclip:{tmp_path}")
