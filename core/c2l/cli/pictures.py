"""What ``c2l sample`` leaves behind: PNG files with their records inside, a grid, latents."""

from __future__ import annotations

import dataclasses
import json
import random
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from c2l.cli import output
from c2l.errors import NotWritable
from c2l.files import write_atomically

if TYPE_CHECKING:
    from c2l.pipeline import Pipeline, Result


def make_folder(out: Path) -> None:
    """Make the folder and try it, before minutes are spent on what could not be kept.

    Raises:
        NotWritable: nothing can be written there.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / f".c2l-{random.SystemRandom().randrange(1 << 32)}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise NotWritable(
            f"cannot write into {out}: {error.strerror or error}", hint="Choose another --out"
        ) from error


def records_of(
    pipeline: Pipeline,
    result: Result,
    texts: list[str],
    also: list[str],
    precision: str,
    loading: float,
) -> list[dict[str, Any]]:
    """What is said of each picture, in its PNG and by ``--json``.

    Args:
        texts: the prompts as they were typed, without what ``--also`` blends in.
        also: the texts blended in, with their weights, as they were typed.
        precision: what the parts were told to compute in.
        loading: how long the parts took to load, in milliseconds.
    """
    settings = {**dataclasses.asdict(result.settings), "also": also}
    num_each = len(result.seeds) // len(texts)
    prompts = [text for text in texts for _ in range(num_each)]
    return [
        {
            "prompt": prompt,
            "seed": seed,
            "score": round(score, 4),
            "recipe": pipeline.recipe,
            "generator": pipeline.generator.reference,
            "embedder": pipeline.embedder.reference,
            "prior": pipeline.prior.reference,
            "precision": precision,
            "settings": settings,
            "milliseconds": {"loading": round(loading, 1), **result.milliseconds},
        }
        for prompt, seed, score in zip(prompts, result.seeds, result.scores.tolist(), strict=True)
    ]


def write(
    records: list[dict[str, Any]], result: Result, out: Path, *, columns: int, as_json: bool
) -> None:
    """Write a PNG for each picture and a grid of several, and print where they are.

    Args:
        columns: of the grid, at most 8.
        as_json: print the whole record of each picture, in a line.
    """
    from c2l.images import make_grid, to_pil, write_png

    pictures = [to_pil(image) for image in result.images]
    for record, picture in zip(records, pictures, strict=True):
        path = _free(out / f"{_slug(record['prompt'])}-s{record['seed']}.png")
        write_png(path, picture, {k: v for k, v in record.items() if k != "milliseconds"})
        line = {"path": str(path), **record}
        output.data(json.dumps(line, ensure_ascii=False) if as_json else str(path))
    if len(pictures) > 1:
        prompts = list(dict.fromkeys(result.prompts))
        name = _slug(prompts[0]) if len(prompts) == 1 else f"{len(prompts)}-prompts"
        grid = _free(out / f"{name}-grid.png")
        shared = {k: records[0][k] for k in ("recipe", "generator", "embedder", "prior")}
        write_png(grid, make_grid(pictures, columns=min(columns, 8)), {**shared, "grid": prompts})
        output.talk(f"grid: {grid}")
    spent = sum(result.milliseconds.values())
    took = f"{spent:.0f} ms" if spent < 10_000 else f"{spent / 1000:.1f} s"
    output.talk(f"drew {len(pictures)} in {took}")


def write_latents(path: Path, result: Result) -> None:
    """Write latents (B, K, D) and seeds (B,) as safetensors, the prompts in its metadata.

    Raises:
        NotWritable: the file cannot be written.
    """
    import torch
    from safetensors.torch import save

    tensors = {
        "latents": result.latents.detach().cpu().contiguous(),
        "seeds": torch.tensor(result.seeds),
    }
    write_atomically(path, save(tensors, metadata={"prompts": json.dumps(result.prompts)}))


def _slug(prompt: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", prompt.lower()).strip("-")
    return words[:60].rstrip("-") or "picture"


def _free(path: Path) -> Path:
    """``path``, or with a number where it is taken: a picture is never overwritten."""
    number = 2
    candidate = path
    while candidate.exists():
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return candidate
