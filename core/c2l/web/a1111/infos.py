"""What is told of pictures, as clients parse it: a text for each, and one JSON text for all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from c2l.service import Notice, PlainPicture
from c2l.version import __version__
from c2l.web.a1111.lists import SAMPLER
from c2l.web.compat.sizes import Size

VERSION = f"c2l {__version__}"


def infotext(picture: PlainPicture, recipe: str, sent: Mapping[str, Any], size: Size) -> str:
    """The prompt, the negative prompt, and a line of names and values."""
    negative = str(sent.get("negative_prompt") or "")
    guidance = picture.record.get("guidance")
    line: dict[str, Any] = {
        "Steps": sent.get("steps", 20),
        "Sampler": SAMPLER,
        "CFG scale": sent.get("cfg_scale", 7.0),
        "Seed": picture.seed,
        "Size": size,
        "Model": recipe,
        **({"Guidance": guidance} if guidance is not None else {}),
        **({} if picture.score is None else {"Score": round(picture.score, 4)}),
        "Version": VERSION,
    }
    written = ", ".join(f"{name}: {value}" for name, value in line.items())
    lines = [str(sent.get("prompt") or ""), *([f"Negative prompt: {negative}"] if negative else [])]
    return "\n".join([*lines, written])


def info(
    pictures: Sequence[PlainPicture],
    recipe: str,
    sent: Mapping[str, Any],
    *,
    seeds: Sequence[int],
    size: Size,
    made_from: str | None,
    notices: Sequence[Notice],
) -> str:
    """JSON as a text, which clients parse once more.

    Args:
        sent: the body.
        seeds: of all pictures that were asked for.
        made_from: of img2img: the record in a PNG, or its pixels.
    """
    prompt, negative = str(sent.get("prompt") or ""), str(sent.get("negative_prompt") or "")
    drawn = [picture.seed for picture in pictures]
    told = {
        "prompt": prompt,
        "all_prompts": [prompt] * len(pictures),
        "negative_prompt": negative,
        "all_negative_prompts": [negative] * len(pictures),
        "seed": seeds[0],
        "all_seeds": drawn,
        "subseed": seeds[0],
        "all_subseeds": drawn,
        "subseed_strength": 0,
        "width": size.width,
        "height": size.height,
        "sampler_name": SAMPLER,
        "cfg_scale": sent.get("cfg_scale", 7.0),
        "steps": sent.get("steps", 20),
        "batch_size": sent.get("batch_size", 1),
        "restore_faces": False,
        "face_restoration_model": None,
        "sd_model_name": recipe,
        "sd_model_hash": "",
        "sd_vae_name": None,
        "sd_vae_hash": None,
        "seed_resize_from_w": -1,
        "seed_resize_from_h": -1,
        "denoising_strength": sent.get("denoising_strength"),
        "extra_generation_params": {"Made from": made_from} if made_from else {},
        "index_of_first_image": 0,
        "infotexts": [infotext(picture, recipe, sent, size) for picture in pictures],
        "styles": [],
        "job_timestamp": "0",
        "clip_skip": 1,
        "is_using_inpainting_conditioning": False,
        "version": VERSION,
        "scores": [picture.score for picture in pictures],
        "notices": [{"kind": notice.kind, "text": notice.text} for notice in notices],
    }
    return json.dumps(told, ensure_ascii=False)
