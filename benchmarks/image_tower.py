"""Pictures and prompts per second of CLIPs: plain open_clip, and c2l in float32 and in less.

    python benchmarks/image_tower.py --device cuda --size 1024 --num 512
    python benchmarks/image_tower.py --device cpu --size 256 --num 2 --batch 2 --towers ViT-B-32

Weights are random: they have no say in how long it takes. Plain open_clip is what its README shows:
each picture as a PIL image through the model's own preprocessing, then ``encode_image``. c2l gets
the tensors that a generator gives. All of them see the same pictures, in turns, in one process.
Then the same for prompts, which c2l always embeds in float32.
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
from safetensors.torch import save_file
from torch import Tensor

import c2l
from c2l.devices import resolve_precision
from c2l.errors import DeviceUnavailable
from c2l.images import to_pil

Row = dict[str, Any]
TOWERS = ("ViT-B-32", "ViT-L-14", "ViT-H-14")


def random_tower(arch: str, folder: Path) -> str:
    """A folder of random weights as open_clip writes them; its reference."""
    torch.manual_seed(0)
    model = open_clip.create_model(arch)
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    config = {
        "model_cfg": open_clip.get_model_config(arch),
        "preprocess_cfg": {
            "mean": open_clip.OPENAI_DATASET_MEAN,
            "std": open_clip.OPENAI_DATASET_STD,
            "interpolation": "bicubic",
            "resize_mode": "shortest",
        },
    }
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    return f"openclip:{folder}"


PROMPTS = ["a photo of an old man with a grey beard and round glasses"] * 16
Way = tuple[Callable[[Tensor], Tensor], Callable[[list[str]], Tensor] | None]
"""How pictures are embedded, and how prompts are."""


def plain(arch: str, folder: Path, device: str) -> Way:
    """open_clip as its README uses it."""
    model, _, preprocess = open_clip.create_model_and_transforms(
        arch, pretrained=str(folder / "open_clip_model.safetensors"), device=device
    )
    model.eval()

    def embed(images: Tensor) -> Tensor:
        prepared = torch.stack([preprocess(picture) for picture in map(to_pil, images)])
        return model.encode_image(prepared.to(device))

    tokenizer = open_clip.get_tokenizer(arch)
    return embed, lambda prompts: model.encode_text(tokenizer(prompts).to(device))


def ours(reference: str, device: str, precision: str) -> Way:
    """The embedder of c2l."""
    embedder = c2l.load_embedder(reference, device=device)
    if precision != "float32":
        embedder.compute_in(resolve_precision(precision, torch.device(device)))
        return embedder.embed_images, None
    return embedder.embed_images, embedder.embed_text


def ways_of(arch: str, folder: Path, device: str) -> dict[str, Way]:
    """All ways that this device has."""
    reference = random_tower(arch, folder)
    ways = {"plain open_clip": plain(arch, folder, device)}
    for precision in ("float32", "bf16", "fp16"):
        try:
            ways[f"c2l, {precision}"] = ours(reference, device, precision)
        except DeviceUnavailable:
            continue
    return ways


def compared(
    ways: Mapping[str, Callable[[Any], Tensor]], work: Any, asked: argparse.Namespace
) -> list[Row]:
    """Rates and distances of all ways for the same work, in turns."""
    first = {way: embed(work).float() for way, embed in ways.items()}  # and a warm-up
    times: dict[str, list[float]] = {way: [] for way in ways}
    repeats = -(-asked.num // len(work))
    for _ in range(asked.rounds):
        for way, embed in ways.items():
            start = time.perf_counter()
            for _ in range(repeats):
                embed(work)
            if asked.device.startswith("cuda"):
                torch.cuda.synchronize()
            times[way].append(time.perf_counter() - start)
    exact = first["plain open_clip"]
    rates = {way: repeats * len(work) / min(spent) for way, spent in times.items()}
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
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--towers", nargs="+", default=TOWERS)
    parser.add_argument("--size", type=int, default=1024, help="of the pictures")
    parser.add_argument("--num", type=int, default=256, help="pictures in a round")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3, help="the fastest counts")
    parser.add_argument("--threads", type=int, help="of torch, on a CPU")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    asked = parser.parse_args()
    if asked.threads:
        torch.set_num_threads(asked.threads)
    shape = (asked.batch, 3, asked.size, asked.size)
    pictures = torch.rand(shape, device=asked.device) * 2 - 1
    print("| tower | of | way | per second | times | distance to plain open_clip | least cosine |")
    print("| --- " * 7 + "|")
    rows: list[Row] = []
    for arch in asked.towers:
        with tempfile.TemporaryDirectory() as name:
            ways = ways_of(arch, Path(name), asked.device)
        images = {way: image for way, (image, _) in ways.items()}
        texts = {way: text for way, (_, text) in ways.items() if text is not None}
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
