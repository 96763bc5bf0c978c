"""From text to a picture on a GPU: c2l in each precision, also as a CUDA graph, beside NVIDIA's.

    python benchmarks/gpu.py --official ~/stylegan3
    python benchmarks/gpu.py --official ~/stylegan3 --device cpu --tiny

Random weights: a ViT-B/32's text, the authors' size of prior (``flow``, as trained on a million
pairs), StyleGAN2 of 1024 px. Of the official code the synthesis alone, as ``gen_images.py`` has it
(float16 in its four highest resolutions), with its compiled operators where they build here. A
synthesis is timed in c2l's own way and replayed as a CUDA graph; the stages before it take their
own time, which is added. ``--tiny`` is for trying the command where there is no GPU: 64 px.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import stylegan_cpu
import torch
from image_tower import random_tower
from priors_cpu_time import untrained
from torch import Tensor

import c2l
from c2l.devices import resolve_precision
from c2l.errors import BadInput, DeviceUnavailable

PROMPT = "a photo of an old man with a grey beard and round glasses"
PRECISIONS = ("float32", "fp16", "bf16")


def milliseconds(run: Callable[[], object], device: torch.device, rounds: int) -> float:
    """The median of some calls, after three."""
    spent = []
    for turn in range(rounds + 3):
        start = time.perf_counter()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        if turn >= 3:
            spent.append((time.perf_counter() - start) * 1000)
    return statistics.median(spent)


def graph_of(run: Callable[[], Tensor]) -> Callable[[], object]:
    """``run`` as one CUDA graph, whose inputs stay where they are."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph.replay


def ways_of(
    network: str, official: Path | None, ws: Tensor, device: torch.device
) -> dict[str, Callable[[], Tensor]]:
    """Syntheses of the same latents; what this device cannot do is left out."""
    ways: dict[str, Callable[[], Tensor]] = {}
    if official is not None:
        theirs: Any = stylegan_cpu._official(network, official).to(device)
        exact = {"force_fp32": device.type == "cpu"}
        ways["official"] = lambda: theirs.synthesis(ws, noise_mode="const", **exact)
    for precision in PRECISIONS:
        ours: Any = stylegan_cpu._c2l(network).to(device)
        try:
            ours.compute_in(resolve_precision(precision, device))
        except (BadInput, DeviceUnavailable):
            continue
        ways[f"c2l, {precision}"] = lambda ours=ours: ours.synthesize(ws)  # type: ignore[misc]
    return ways


@torch.inference_mode()
def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--official", type=Path, help="a checkout of stylegan3")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="64 px, to try the command")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--rounds", type=int, default=20)
    asked = parser.parse_args()
    device = torch.device(asked.device)
    network = "sg2-64" if asked.tiny else "sg2-1024"
    with tempfile.TemporaryDirectory() as folder:
        embedder = c2l.load_embedder(random_tower("ViT-B-32", Path(folder)), device=asked.device)
    prior = untrained("flow").to(device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "the CPU"
    print(f"{network} on {name}, torch {torch.__version__}\n")
    print("| batch | synthesis | ms | as a CUDA graph | from text, ms |\n" + "| --- " * 5 + "|")
    for batch in asked.batch:
        num_ws = 2 * stylegan_cpu.NETWORKS[network][1]["img_resolution"].bit_length() - 4
        ws = torch.randn(batch, num_ws, 512, device=device)
        embeddings = embedder.embed_text([PROMPT]).expand(batch, -1)
        before = milliseconds(lambda: embedder.embed_text([PROMPT]), device, asked.rounds)
        seeds = range(batch)
        before += milliseconds(
            lambda e=embeddings, s=seeds: prior.sample(e, seeds=s), device, asked.rounds
        )
        for way, run in ways_of(network, asked.official, ws, device).items():
            eager = best = milliseconds(run, device, asked.rounds)
            graphed = "-"
            if device.type == "cuda" and way != "official":
                best = milliseconds(graph_of(run), device, asked.rounds)
                graphed = f"{best:.1f}"
            whole = "-" if way == "official" else f"**{before + min(eager, best):.1f}**"
            print(f"| {batch} | {way} | {eager:.1f} | {graphed} | {whole} |", flush=True)


if __name__ == "__main__":
    main()
