"""CLIPs that OpenCLIP did not write: OpenAI's archives, and folders of transformers.

Both are the plain architecture of ``towers.py``, described or named otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from c2l.errors import BadWeights

OPENAI = {
    "mean": [0.48145466, 0.4578275, 0.40821073],
    "std": [0.26862954, 0.26130258, 0.27577711],
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}
"""How OpenAI's images are prepared."""

_HEAD_WIDTH = 64
_VOCABULARY = 49408
# What transformers leaves out of a config where it is as in ViT-B/32.
_TEXT = {
    **{"hidden_size": 512, "intermediate_size": 2048, "num_attention_heads": 8},
    **{"num_hidden_layers": 12, "max_position_embeddings": 77, "vocab_size": _VOCABULARY},
    "hidden_act": "quick_gelu",
}
_VISION = {
    **{"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12},
    **{"num_hidden_layers": 12, "image_size": 224, "patch_size": 32, "hidden_act": "quick_gelu"},
}
_RESAMPLING = {2: "bilinear", 3: "bicubic"}

_LAYER = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
    "self_attn.out_proj": "attn.out_proj",
}
_ENDS = {
    "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm.weight": "ln_final.weight",
    "text_model.final_layer_norm.bias": "ln_final.bias",
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    "vision_model.pre_layrnorm.weight": "visual.ln_pre.weight",
    "vision_model.pre_layrnorm.bias": "visual.ln_pre.bias",
    "vision_model.post_layernorm.weight": "visual.ln_post.weight",
    "vision_model.post_layernorm.bias": "visual.ln_post.bias",
    "logit_scale": "logit_scale",
}
_PROJECTIONS = {
    "text_projection.weight": "text_projection",
    "visual_projection.weight": "visual.proj",
}
_TOWERS = {
    "text_model.encoder.layers": "transformer",
    "vision_model.encoder.layers": "visual.transformer",
}


def openai_config(state: Mapping[str, Tensor], path: Path) -> dict[str, Any]:
    """The ``model_cfg`` of one of OpenAI's archives, all of which their shapes tell.

    Raises:
        BadWeights: it is another network.
    """
    try:
        text = {
            "context_length": state["positional_embedding"].shape[0],
            "vocab_size": state["token_embedding.weight"].shape[0],
            "width": state["ln_final.weight"].shape[0],
            "heads": state["ln_final.weight"].shape[0] // _HEAD_WIDTH,
            "layers": _count(state, "transformer.resblocks."),
        }
        if "visual.proj" in state:
            width, _, _, patch = state["visual.conv1.weight"].shape
            places = state["visual.positional_embedding"].shape[0]
            vision: dict[str, Any] = {
                "image_size": patch * _root(places - 1),
                "layers": _count(state, "visual.transformer.resblocks."),
                "width": width,
                "head_width": _HEAD_WIDTH,
                "patch_size": patch,
            }
        else:
            places = state["visual.attnpool.positional_embedding"].shape[0]
            vision = {
                "image_size": 32 * _root(places - 1),
                "layers": [_count(state, f"visual.layer{stage}.") for stage in (1, 2, 3, 4)],
                "width": state["visual.layer1.0.conv1.weight"].shape[0],
                "head_width": _HEAD_WIDTH,
            }
        embed_dim = state["text_projection"].shape[1]
    except (KeyError, ValueError, IndexError) as error:
        raise BadWeights(
            f"{path} is a file of TorchScript, but none of OpenAI's CLIPs: it has no {error}",
            hint="Give one of theirs, or a folder that open_clip wrote",
        ) from error
    return {"embed_dim": embed_dim, "vision_cfg": vision, "text_cfg": text, "quick_gelu": True}


def _count(state: Mapping[str, Tensor], prefix: str) -> int:
    return len({n.removeprefix(prefix).split(".")[0] for n in state if n.startswith(prefix)})


def _root(places: int) -> int:
    return round(max(places, 0) ** 0.5)


def transformers_kind(folder: Path) -> str:
    """The ``model_type`` of a folder of transformers; "" if it is none."""
    return str(_json(folder / "config.json").get("model_type", ""))


def transformers_config(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """``model_cfg`` and ``preprocess_cfg`` of a folder of transformers with a CLIP.

    Raises:
        BadWeights: it is another model, or a CLIP that differs from OpenAI's.
    """
    whole = _json(folder / "config.json")
    kind = str(whole.get("model_type", ""))
    if kind != "clip":
        name = {"siglip": "ViT-B-16-SigLIP/webli", "siglip2": "ViT-B-16-SigLIP2/webli"}
        instead = name.get(kind, "ViT-B-32/laion2b_s34b_b79k")
        raise BadWeights(
            f"{folder} is a {kind[:40] or 'model'} of transformers, of which openclip opens a CLIP",
            hint=f"Fetch OpenCLIP's own: `c2l models pull openclip:{instead}`. The plugin in "
            "examples/c2l-transformers opens a SigLIP folder as it is",
        )
    text = {**_TEXT, **_section(whole, "text_config")}
    vision = {**_VISION, **_section(whole, "vision_config")}
    acts = {text["hidden_act"], vision["hidden_act"]}
    if len(acts) > 1 or not acts <= {"gelu", "quick_gelu"} or text["vocab_size"] != _VOCABULARY:
        raise BadWeights(
            f"{folder} is a CLIP of another kind than OpenAI's: hidden_act "
            f"{', '.join(sorted(map(str, acts)))}, vocab_size {text['vocab_size']}",
            hint=f"Only one activation, gelu or quick_gelu, and {_VOCABULARY} tokens open",
        )
    prepared = _json(folder / "preprocessor_config.json")
    try:
        config = {
            "embed_dim": int(whole.get("projection_dim", 512)),
            "quick_gelu": acts == {"quick_gelu"},
            "vision_cfg": {
                "image_size": int(vision["image_size"]),
                "patch_size": int(vision["patch_size"]),
                "layers": int(vision["num_hidden_layers"]),
                "width": int(vision["hidden_size"]),
                "head_width": vision["hidden_size"] // vision["num_attention_heads"],
                "mlp_ratio": vision["intermediate_size"] / vision["hidden_size"],
            },
            "text_cfg": {
                "context_length": int(text["max_position_embeddings"]),
                "vocab_size": int(text["vocab_size"]),
                "layers": int(text["num_hidden_layers"]),
                "width": int(text["hidden_size"]),
                "heads": int(text["num_attention_heads"]),
                "mlp_ratio": text["intermediate_size"] / text["hidden_size"],
            },
        }
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise BadWeights(
            f"{folder / 'config.json'} describes no CLIP: {error}", hint="Fetch it again"
        ) from error
    return config, {
        "mean": prepared.get("image_mean") or OPENAI["mean"],
        "std": prepared.get("image_std") or OPENAI["std"],
        "interpolation": _RESAMPLING.get(prepared.get("resample", 3), "bicubic"),
        "resize_mode": "shortest" if prepared.get("do_center_crop", True) else "squash",
    }


def renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of transformers under the names of open_clip; unknown ones keep theirs."""
    found: dict[str, Tensor] = {}
    joined: dict[str, dict[str, Tensor]] = {}
    for name, tensor in state.items():
        if name.endswith("position_ids"):
            continue
        if name in _PROJECTIONS:
            found[_PROJECTIONS[name]] = tensor.T.contiguous()
            continue
        tower = next((t for t in _TOWERS if name.startswith(f"{t}.")), "")
        if not tower:
            found[_ENDS.get(name, name)] = tensor
            continue
        number, _, rest = name.removeprefix(f"{tower}.").partition(".")
        part, _, leaf = rest.rpartition(".")
        block = f"{_TOWERS[tower]}.resblocks.{number}"
        if part in ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"):
            joined.setdefault(f"{block}.attn.in_proj_{leaf}", {})[part[10]] = tensor
        else:
            found[f"{block}.{_LAYER.get(part, part)}.{leaf}"] = tensor
    for name, parts in joined.items():
        found[name] = torch.cat([parts[letter] for letter in "qkv" if letter in parts])
    return found


def _section(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    # Older versions wrote the very values into a dictionary of another name.
    told = whole.get(f"{name}_dict") or whole.get(name) or {}
    return told if isinstance(told, dict) else {}


def _json(path: Path) -> Mapping[str, Any]:
    """A JSON object in a file; empty if it is not there or something else."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
