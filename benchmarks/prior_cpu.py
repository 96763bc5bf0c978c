"""The paper's prior at its real size on the CPU: ours beside the original code, same weights.

    python benchmarks/prior_cpu.py --original DIR

DIR holds the original network, dalle2-pytorch 0.2.38:

    pip install --target DIR --no-deps dalle2-pytorch==0.2.38 rotary-embedding-torch==0.1.5 \\
        einops einops-exts

Its other dependencies are not needed for the prior and are replaced by empty modules. Both draw
four steps of ``skip`` with guidance 2 from the same random weights (48.8 million) and the same
noise. The original calls its network twice for each step, once without the prompt, and walks with
the authors' coefficients. All variants take turns in one process, so that other load on the machine
meets them alike; the median is that of the process's own CPU time.

bf16 pays on processors with units for it (avx512_bf16 or AMX; the first line says whether they are
there) and is no faster than float32 on others, often much slower.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

import c2l
from c2l_priors.diffusion import DiffusionPrior
from c2l_priors.diffusion_samplers import skip

WIDTH, DEPTH, HEADS, HEAD_WIDTH, NUM_TIMESTEPS = 512, 12, 12, 64, 1000
STEPS, GUIDANCE = 4, 2.0


class Nothing(ModuleType):
    """Stands for a package that the original imports and the prior does not need."""

    __path__: list[str] = []  # noqa: RUF012

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def original_network(folder: Path) -> Any:
    """The original network with random weights, in eval mode."""
    sys.path.append(str(folder))
    package = ModuleType("dalle2_pytorch")  # its __init__ would import the decoder's trainer
    package.__path__ = [str(folder / "dalle2_pytorch")]
    sys.modules["dalle2_pytorch"] = package
    for name in ("tokenizer", "vqgan_vae"):
        sys.modules[f"dalle2_pytorch.{name}"] = Nothing(name)
    while True:
        try:
            module = importlib.import_module("dalle2_pytorch.dalle2_pytorch")
            break
        except ModuleNotFoundError as error:
            if error.name is None or error.name.startswith(("dalle2", "einops", "rotary")):
                raise SystemExit(f"{error}; see the head of {__file__}") from error
            sys.modules[error.name] = Nothing(error.name)
    torch.manual_seed(0)
    network = module.DiffusionPriorNetwork(
        dim=WIDTH, depth=DEPTH, heads=HEADS, dim_head=HEAD_WIDTH, num_timesteps=NUM_TIMESTEPS
    )
    return network.eval()


def ours(network: Any) -> DiffusionPrior:
    """The same weights, through a checkpoint."""
    state = {f"ema_diffusion_prior.ema_model.net.{k}": v for k, v in network.state_dict().items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "random.ckpt"
        torch.save({"state_dict": state}, path)
        start = time.perf_counter()
        prior = c2l.load_prior(f"diffusion:{path}")
        size = path.stat().st_size
        print(f"opened {size / 1e6:.0f} MB in {time.perf_counter() - start:.2f} s", file=sys.stderr)
    assert isinstance(prior, DiffusionPrior)
    return prior


def draw_original(
    network: Any, prior: DiffusionPrior, embeddings: Tensor, noise: list[Tensor]
) -> Tensor:
    """The authors' loop; the latents' statistics are 0 and 1 here."""

    def predict(x: Tensor, ahead: Sequence[int]) -> Tensor:
        times = torch.full((len(x),), ahead[0])
        clean: Tensor = network.forward_with_cond_scale(
            x, times, cond_scale=GUIDANCE, text_embed=embeddings
        )
        return clean

    return skip(predict, prior.schedule, STEPS, iter(noise))


def measure(
    variants: dict[str, Callable[[], Tensor]], rounds: int
) -> tuple[dict[str, float], dict[str, Tensor]]:
    """Median milliseconds of CPU time of each, in turns, and what each draws."""
    drawn = {name: draw() for name, draw in variants.items()}  # also the first touch of everything
    spent: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, draw in variants.items():
            start = time.process_time()
            draw()
            spent[name].append(1000 * (time.process_time() - start))
    return {name: statistics.median(times) for name, times in spent.items()}, drawn


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--original", type=Path, required=True, help="where dalle2-pytorch lies")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-bf16", action="store_true", help="leave bf16 out")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    args = parser.parse_args()

    torch.set_num_threads(1)
    network = original_network(args.original)
    prior = ours(network)
    rough = None
    if not args.no_bf16:
        rough = ours(network)
        rough.network.bfloat16()
    units = "with" if torch.ops.mkldnn._is_mkldnn_bf16_supported() else "without"
    num = sum(p.numel() for p in prior.network.parameters())
    print(f"{num / 1e6:.1f} M parameters, torch {torch.__version__}, 1 thread, {units} bf16 units")
    print("| batch | prompts | variant | ms CPU | times the original | largest difference |")
    print("| --- | --- | --- | --- | --- | --- |")
    rows = []
    for batch, one_prompt in itertools.product(args.batch, (True, False)):
        if batch == 1 and not one_prompt:
            continue
        rng = torch.Generator().manual_seed(batch)
        prompts = torch.randn(1 if one_prompt else batch, WIDTH, generator=rng) * 10 / WIDTH**0.5
        embeddings = prompts.expand(batch, -1).contiguous()
        noise = [torch.randn(batch, WIDTH, generator=rng) for _ in range(STEPS + 1)]

        def draw(
            which: DiffusionPrior, embeddings: Tensor = embeddings, noise: list[Tensor] = noise
        ) -> Tensor:
            return which.sample_from_noise(
                embeddings, noise, sampler="skip", steps=STEPS, guidance=GUIDANCE
            )

        variants: dict[str, Callable[[], Tensor]] = {
            "original": lambda e=embeddings, n=noise: draw_original(network, prior, e, n),  # type: ignore[misc]
            "ours, float32": lambda d=draw: d(prior),  # type: ignore[misc]
        }
        if rough is not None:
            variants["ours, bf16"] = lambda d=draw, r=rough: d(r)  # type: ignore[misc]
        spent, drawn = measure(variants, args.rounds)
        reference = drawn["original"]
        for name, milliseconds in spent.items():
            difference = float((drawn[name].view_as(reference) - reference).abs().max())
            times, num_prompts = spent["original"] / milliseconds, 1 if one_prompt else batch
            print(
                f"| {batch} | {num_prompts} | {name} | {milliseconds:.0f} "
                f"| {times:.2f} | {difference:.1e} |"
            )
            row = {"batch": batch, "prompts": num_prompts, "variant": name, "ms": milliseconds}
            rows.append({**row, "ratio": times, "difference": difference})
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
