"""Pictures and prompts per second of a CLIP on one CPU thread: plain open_clip, and c2l.

    python benchmarks/towers.py

Weights are random: they have no say in how long it takes. Plain open_clip is what its README shows:
each picture as a PIL image through the model's own preprocessing, then ``encode_image``; prompts
through its tokenizer, then ``encode_text``. c2l gets the tensors that a generator gives, and the
prompts. All ways see the same, in turns, in one process. ``image_tower.py`` is for pictures on a
GPU, with larger towers.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import open_clip
import torch
from image_tower import random_tower
from torch import Tensor

import c2l
from c2l.devices import resolve_precision
from c2l.errors import DeviceUnavailable
from c2l.images import to_pil

Row = dict[str, Any]


PROMPTS = ["a photo of an old man with a grey beard and round glasses"] * 16
Way = tuple[Callable[[Tensor], Tensor], Callable[[list[str]], Tensor]]
"""How pictures are embedded, and how prompts are."""


def plain(arch: str, folder: Path) -> Way:
    """open_clip as its README uses it."""
    model, _, preprocess = open_clip.create_model_and_transforms(
        arch,
        pretrained=str(folder / "open_clip_model.safetensors"),
    )
    model.eval()

    def embed(images: Tensor) -> Tensor:
        prepared = torch.stack([preprocess(picture) for picture in map(to_pil, images)])
        return model.encode_image(prepared)

    tokenizer = open_clip.get_tokenizer(arch)
    return embed, lambda prompts: model.encode_text(tokenizer(prompts))


def ours(reference: str, precision: str) -> Way:
    """The embedder of c2l."""
    embedder = c2l.load_embedder(reference, device="cpu")
    embedder.compute_in(resolve_precision(precision, torch.device("cpu")))
    return embedder.embed_images, embedder.embed_text


def ways_of(arch: str, folder: Path) -> dict[str, Way]:
    """All ways that this processor has."""
    reference = random_tower(arch, folder)
    ways = {"plain open_clip": plain(arch, folder)}
    for precision in ("float32", "bf16"):
        try:
            ways[f"c2l, {precision}"] = ours(reference, precision)
        except DeviceUnavailable:
            continue
    return ways


def compared(
    ways: Mapping[str, Callable[[Any], Tensor]], work: Any, asked: argparse.Namespace
) -> list[Row]:
    """Rates and distances of all ways for the same work, in turns."""
    first = {way: embed(work).float() for way, embed in ways.items()}  # and a warm-up
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(asked.rounds):
        for way, embed in ways.items():
            start = time.perf_counter()
            embed(work)
            times[way].append(time.perf_counter() - start)
    exact = first["plain open_clip"]
    rates = {way: len(work) / min(spent) for way, spent in times.items()}
    return [
        {
            "way": way,
            "rate": rate,
            "ratio": rate / rates["plain open_clip"],
            "distance": float((first[way] - exact).norm(dim=1).mean() / exact.norm(dim=1).mean()),
            "cosine": float(torch.cosine_similarity(first[way], exact).min()),
        }
        for way, rate in rates.items()
    ]


@torch.inference_mode()
def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--towers", nargs="+", default=["ViT-B-32"])
    parser.add_argument("--size", type=int, default=256, help="of the pictures")
    parser.add_argument("--batch", type=int, default=16, help="pictures or prompts at once")
    parser.add_argument("--rounds", type=int, default=3, help="the fastest counts")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    pictures = torch.rand(asked.batch, 3, asked.size, asked.size) * 2 - 1
    print("| tower | of | way | per second | times | distance to plain open_clip | least cosine |")
    print("| --- " * 7 + "|")
    rows: list[Row] = []
    for arch in asked.towers:
        with tempfile.TemporaryDirectory() as name:
            ways = ways_of(arch, Path(name))
        images = {way: image for way, (image, _) in ways.items()}
        texts = {way: text for way, (_, text) in ways.items()}
        for what, found in (
            ("pictures", compared(images, pictures, asked)),
            ("prompts", compared(texts, PROMPTS[: asked.batch], asked)),
        ):
            for row in found:
                print(
                    f"| {arch} | {what} | {row['way']} | {row['rate']:,.1f} | {row['ratio']:.2f} "
                    f"| {row['distance']:.1e} | {row['cosine']:.6f} |",
                    flush=True,
                )
            rows += [{"tower": arch, "of": what, **row} for row in found]
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
