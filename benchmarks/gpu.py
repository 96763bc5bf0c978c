"""From text to a picture on a GPU: c2l in each precision, also as a CUDA graph, beside NVIDIA's.

    python benchmarks/gpu.py --official ~/stylegan3
    python benchmarks/gpu.py --official ~/stylegan3 --device cpu --tiny

Random weights: a ViT-B/32's text, the authors' size of priors (as trained on a million pairs),
StyleGAN2 of 1024 px. Of the official code the synthesis alone, as ``gen_images.py`` has it (float16
in its four highest resolutions) and all in float32, with its compiled operators where they build
here. A synthesis is timed as c2l draws it, and replayed as a CUDA graph. Errors are against the
official code in float32, as parts of an image's standard deviation. ``--tiny`` is for trying the
command where there is no GPU: 64 px.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
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
from torch.utils import cpp_extension

import c2l
from c2l.devices import resolve_precision
from c2l.errors import BadInput, DeviceUnavailable

PROMPT = "a photo of an old man with a grey beard and round glasses"
PRECISIONS = ("float32", "fp16", "bf16")
PRIORS = ("flow", "onestep", "mlp")
Way = Callable[[], Tensor]


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


def graph_of(run: Way) -> Callable[[], object]:
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


def official(network: str, checkout: Path, device: torch.device) -> Any:
    """NVIDIA's network, with its own operators where they build."""
    theirs: Any = stylegan_cpu._official(network, checkout).to(device)
    stylegan_cpu._stir(theirs)
    if device.type == "cuda":
        cpp_extension.load = _loaded_where_it_is_looked_for(cpp_extension.load)
        for name in ("bias_act", "upfirdn2d"):
            operator = importlib.import_module(f"torch_utils.ops.{name}")
            try:
                operator._init()
            except Exception as error:  # whatever a compiler may say
                print(f"{name} was not built: {str(error)[-300:]!r}", file=sys.stderr)
                operator._init = lambda: False
    return theirs


def _loaded_where_it_is_looked_for(load: Callable[..., Any]) -> Callable[..., Any]:
    """NVIDIA's code imports what it built by its name, which torch no longer sees to."""

    def found(name: str, **rest: Any) -> Any:
        return sys.modules.setdefault(name, load(name=name, **rest))

    return found


def syntheses(
    network: str, theirs: Any, ws: Tensor, device: torch.device
) -> dict[str, tuple[Way, bool]]:
    """Ways to draw the same latents, and whether each is ours; what the device cannot is absent."""
    ways: dict[str, tuple[Way, bool]] = {}
    if theirs is not None:
        for name, exact in {"float32": True, "fp16": False}.items():
            if not (device.type == "cpu" and not exact):
                kwargs = {"noise_mode": "const", "force_fp32": exact}
                ways[f"official, {name}"] = (
                    lambda kwargs=kwargs: theirs.synthesis(ws, **kwargs),  # type: ignore[misc]
                    False,
                )
    for precision in PRECISIONS:
        ours: Any = stylegan_cpu._c2l(network)
        if theirs is not None:
            ours.load_state_dict(theirs.state_dict())
        ours = ours.to(device)
        try:
            ours.compute_in(resolve_precision(precision, device))
        except (BadInput, DeviceUnavailable):
            continue
        ways[f"c2l, {precision}"] = (lambda ours=ours: ours.synthesize(ws), True)  # type: ignore[misc]
    return ways


def stages(device: torch.device, name: str, rounds: int, batch: int) -> tuple[float, float]:
    """Milliseconds of the text and of ``flow``; prints a line for each prior."""
    with tempfile.TemporaryDirectory() as folder:
        embedder = c2l.load_embedder(random_tower("ViT-B-32", Path(folder)), device=name)
    text = milliseconds(lambda: embedder.embed_text([PROMPT]), device, rounds)
    print(f"| {batch} | one prompt | {text:.1f} |")
    embeddings = embedder.embed_text([PROMPT]).expand(batch, -1)
    spent = {}
    for kind in PRIORS:
        prior = untrained(kind).to(device)
        spent[kind] = milliseconds(
            lambda prior=prior: prior.sample(embeddings, seeds=range(batch)),  # type: ignore[misc]
            device,
            rounds,
        )
        print(f"| {batch} | {kind} | {spent[kind]:.1f} |", flush=True)
    return text, spent["flow"]


@torch.inference_mode()
def main() -> None:
    """Print two tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--official", type=Path, help="a checkout of stylegan3")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="64 px, to try the command")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--rounds", type=int, default=20)
    asked = parser.parse_args()
    device = torch.device(asked.device)
    network = "sg2-64" if asked.tiny else "sg2-1024"
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "the CPU"
    print(f"{network} on {name}, torch {torch.__version__}\n")
    print("| latents | stage | ms |\n" + "| --- " * 3 + "|")
    before = {
        batch: sum(stages(device, asked.device, asked.rounds, batch)) for batch in asked.batch
    }
    print("\n| batch | synthesis | ms | as a CUDA graph | from text, ms | max error | rms error |")
    print("| --- " * 7 + "|")
    theirs = official(network, asked.official, device) if asked.official else None
    for batch in asked.batch:
        num_ws = 2 * stylegan_cpu.NETWORKS[network][1]["img_resolution"].bit_length() - 4
        ws = torch.randn(batch, num_ws, 512, generator=torch.Generator().manual_seed(0)).to(device)
        exact = None
        for way, (run, is_ours) in syntheses(network, theirs, ws, device).items():
            drawing = milliseconds(run, device, asked.rounds)
            drawn = run().float()
            exact = drawn if exact is None else exact
            error = (drawn - exact) / exact.std()
            graphed = "-"
            if device.type == "cuda" and is_ours:
                graphed = f"{milliseconds(graph_of(run), device, asked.rounds):.1f}"
            whole = f"**{before[batch] + drawing:.1f}**" if is_ours else "-"
            errors = f"{error.abs().max():.0e} | {error.square().mean().sqrt():.0e}"
            print(
                f"| {batch} | {way} | {drawing:.1f} | {graphed} | {whole} | {errors} |", flush=True
            )


if __name__ == "__main__":
    main()
