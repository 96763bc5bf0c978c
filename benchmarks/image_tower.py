"""Pictures per second of image towers: plain open_clip, and c2l in float32 and in less.

    python benchmarks/image_tower.py --device cuda --size 1024 --num 512
    python benchmarks/image_tower.py --device cpu --size 256 --num 2 --batch 2 --towers ViT-B-32

Weights are random: they have no say in how long it takes. Plain open_clip is what its README shows:
each picture as a PIL image through the model's own preprocessing, then ``encode_image``. c2l gets
the tensors that a generator gives. All of them see the same pictures in one process, one way after
the other, so that one network is in memory at a time.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import open_clip
import torch
from safetensors.torch import save_file
from torch import Tensor

import c2l
from c2l.devices import resolve_precision
from c2l.errors import DeviceUnavailable
from c2l.images import to_pil

Make = Callable[[], Callable[[Tensor], Tensor]]
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


def plain(arch: str, folder: Path, device: str) -> Callable[[Tensor], Tensor]:
    """open_clip as its README uses it."""
    model, _, preprocess = open_clip.create_model_and_transforms(
        arch, pretrained=str(folder / "open_clip_model.safetensors"), device=device
    )
    model.eval()

    def embed(images: Tensor) -> Tensor:
        prepared = torch.stack([preprocess(picture) for picture in map(to_pil, images)])
        return model.encode_image(prepared.to(device))

    return embed


def ours(
    reference: str, device: str, precision: str, is_compiled: bool
) -> Callable[[Tensor], Tensor]:
    """The embedder of c2l."""
    embedder = c2l.load_embedder(reference, device=device)
    if precision != "float32":
        embedder.compute_in(resolve_precision(precision, torch.device(device)))
    if is_compiled:
        embedder.towers.image_tower.compile()  # type: ignore[attr-defined]
    return embedder.embed_images


def ways_of(arch: str, folder: Path, asked: argparse.Namespace) -> dict[str, Make]:
    """All ways, of which this device may not have each."""
    reference = random_tower(arch, folder)
    ways: dict[str, Make] = {"plain open_clip": partial(plain, arch, folder, asked.device)}
    for precision in ("float32", "bf16", "fp16"):
        for is_compiled in (False, True) if asked.compile else (False,):
            way = f"c2l, {precision}{', torch.compile' if is_compiled else ''}"
            ways[way] = partial(ours, reference, asked.device, precision, is_compiled)
    return ways


def seconds_of(embed: Callable[[Tensor], Tensor], batches: list[Tensor]) -> float:
    """How long all batches take."""
    start = time.perf_counter()
    for batch in batches:
        embed(batch)
    if batches[0].is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start


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
    parser.add_argument("--compile", action="store_true", help="with torch.compile as well")
    asked = parser.parse_args()
    shape = (asked.batch, 3, asked.size, asked.size)
    batch = torch.rand(shape, device=asked.device) * 2 - 1
    batches = [batch] * -(-asked.num // asked.batch)
    num = len(batches) * asked.batch
    print("| tower | way | pictures per second | distance to plain open_clip |")
    print("| --- | --- | --- | --- |")
    for arch in asked.towers:
        with tempfile.TemporaryDirectory() as name:
            exact: Tensor | None = None
            for way, make in ways_of(arch, Path(name), asked).items():
                try:
                    embed = make()
                except DeviceUnavailable:
                    continue
                first = embed(batch).float()  # and a warm-up
                rate = num / min(seconds_of(embed, batches) for _ in range(asked.rounds))
                del embed
                exact = first if exact is None else exact
                distance = float((first - exact).norm(dim=1).mean() / exact.norm(dim=1).mean())
                print(f"| {arch} | {way} | {rate:,.2f} | {distance:.1e} |", flush=True)


if __name__ == "__main__":
    main()
