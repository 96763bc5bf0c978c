"""Synthesis on a CPU: this project's StyleGAN beside NVIDIA's own code.

    python benchmarks/stylegan_cpu.py --official ~/stylegan3 --networks sg2-256 sg3-t-256 --runs 3

``--official`` is a checkout of github.com/NVlabs/stylegan3, whose licence is its own. Each network
takes child processes with ``--threads`` and the allocator as the environment sets it: in the first,
all variants draw the same image from the same random weights in turn, so that whatever else the
machine does meets them alike; the others run one alone, for the peak of its memory. On a processor
with units for bf16 (avx512_bf16, AMX), c2l's StyleGAN2 takes part in bf16 as well. The first, cold
run of each is not counted. Times are medians of processor time; the ratio is the median over the
turns, its range beside it.

The official code wants ``requests``, ``scipy``, and ``pkg_resources`` from an older setuptools;
where they are absent, small stand-ins take their place.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the parent stays small: children inherit its peak of memory
    from torch import Tensor, nn

_R = {"conv_kernel": 1, "use_radial_filters": True, "channel_base": 65536, "channel_max": 1024}
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "sg2-1024": ("networks_stylegan2", {"img_resolution": 1024}),
    "sg2-256": ("networks_stylegan2", {"img_resolution": 256}),
    "sg2-64": ("networks_stylegan2", {"img_resolution": 64, "channel_base": 16384}),
    "sg3-t-256": ("networks_stylegan3", {"img_resolution": 256}),
    "sg3-r-256": ("networks_stylegan3", {"img_resolution": 256, **_R}),
    "sg3-t-64": ("networks_stylegan3", {"img_resolution": 64, "channel_max": 128}),
    "sg3-r-64": ("networks_stylegan3", {"img_resolution": 64, **_R, "channel_max": 256}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--official", type=Path, required=True, help="a checkout of stylegan3")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--runs", type=int, default=3, help="counted turns of each")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--no-memory", action="store_true", help="leave the peaks of memory out")
    parser.add_argument("--bf16", action="store_true", help="also where a processor emulates it")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(_child(options)))
        return

    print(f"    {' '.join(['python', *sys.argv])}\n\n{_machine(options.threads)}\n")
    print(
        "| network | c2l in | official ms | c2l ms | times as fast (range) | wall "
        "| max error / std | rms error / std | official peak MB | c2l peak MB |\n"
        + "| --- " * 10
        + "|"
    )
    rows = []
    for name in options.networks:
        compared = _in_a_child(options, name, "all")
        peaks = {} if options.no_memory else _in_a_child(options, name, "official")
        for row in compared["rows"]:
            row |= peaks
            if not options.no_memory:
                row |= _in_a_child(options, name, row["precision"])
            rows.append(row)
            print(_formatted(row), flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


def _in_a_child(options: argparse.Namespace, name: str, which: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", which, "--networks", name]
    for flag in ("official", "runs", "batch", "threads"):
        command += [f"--{flag}", str(getattr(options, flag))]
    if options.bf16:
        command.append("--bf16")
    pinned = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(options.threads))
    done = subprocess.run(
        command, env={**os.environ, **pinned}, stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _child(options: argparse.Namespace) -> dict[str, Any]:
    """All variants in turn; or one alone, for the peak of its memory."""
    import torch

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    name, which = options.networks[0], options.child
    official = _official(name, options.official) if which in ("all", "official") else None
    ours = _c2l(name) if which != "official" else None
    if official is not None and ours is not None:
        _stir(official)
        ours.load_state_dict(official.state_dict())
    ws = torch.randn(options.batch, (ours or official).num_ws, 512)

    def draw(variant: str) -> Tensor:
        if variant == "official":
            return official.synthesis(ws, noise_mode="const", force_fp32=True)
        ours.synthesis.feature_dtype = getattr(torch, variant)
        return ours.synthesize(ws)

    if which == "all":
        has_bf16 = torch.ops.mkldnn._is_mkldnn_bf16_supported() or options.bf16
        # Of StyleGAN3, c2l has no fast way in bf16 on a CPU.
        is_for_it = has_bf16 and name.startswith("sg2")
        variants = ["official", "float32", *(["bfloat16"] if is_for_it else [])]
        return {"rows": _compare(name, options.batch, draw, variants, options.runs)}
    for _ in range(2):
        draw(which)
    return {f"{'official' if which == 'official' else 'c2l'}_peak_mb": _peak()}


def _compare(
    name: str, batch: int, draw: Callable[[str], Tensor], variants: list[str], runs: int
) -> list[dict[str, Any]]:
    times: dict[str, list[tuple[float, float]]] = {variant: [] for variant in variants}
    largest, rms = dict.fromkeys(variants, 0.0), dict.fromkeys(variants, 0.0)
    for _ in range(runs + 1):
        expected = None
        for variant in variants:
            start = time.process_time(), time.perf_counter()
            drawn = draw(variant)
            spent = time.process_time() - start[0], time.perf_counter() - start[1]
            times[variant].append((spent[0] * 1000, spent[1] * 1000))
            expected = drawn if expected is None else expected
            error = (drawn - expected) / expected.std()
            largest[variant] = max(largest[variant], float(error.abs().max()))
            rms[variant] = max(rms[variant], float(error.square().mean().sqrt()))
    rows = []
    for variant in variants[1:]:
        turns = list(zip(times["official"][1:], times[variant][1:], strict=True))
        ratios = [theirs[0] / ours[0] for theirs, ours in turns]
        rows.append(
            {
                "network": name,
                "batch": batch,
                "precision": variant,
                "official_ms": statistics.median(theirs[0] for theirs, _ in turns),
                "c2l_ms": statistics.median(ours[0] for _, ours in turns),
                "ratio": statistics.median(ratios),
                "ratios": ratios,
                "wall_ratio": statistics.median(theirs[1] / ours[1] for theirs, ours in turns),
                "max_error_over_std": largest[variant],
                "rms_error_over_std": rms[variant],
            }
        )
    return rows


def _official(name: str, checkout: Path) -> nn.Module:
    sys.path.insert(0, str(checkout.resolve()))
    _stand_in()
    network = importlib.import_module(f"training.{NETWORKS[name][0]}").Generator(**_kwargs(name))
    made: nn.Module = network.eval().requires_grad_(False)
    return made


def _c2l(name: str) -> nn.Module:
    from c2l_stylegan.generator import StyleGAN
    from c2l_stylegan.networks.settings import Settings, StyleGAN2Settings, StyleGAN3Settings

    settings: Settings
    if NETWORKS[name][0] == "networks_stylegan3":
        settings = StyleGAN3Settings.from_init_kwargs(_kwargs(name))
    else:
        settings = StyleGAN2Settings.from_init_kwargs(_kwargs(name))
    return StyleGAN.initialised(settings).eval().requires_grad_(False)


def _kwargs(name: str) -> dict[str, Any]:
    module, sizes = NETWORKS[name]
    num_layers = 2 if module == "networks_stylegan3" else 8
    common = {"z_dim": 512, "c_dim": 0, "w_dim": 512, "img_channels": 3}
    return {**common, "mapping_kwargs": {"num_layers": num_layers}, **sizes}


def _stir(network: nn.Module) -> None:
    """Give values to what starts at zero, lest its use go unchecked."""
    for parameter in network.parameters():
        if not parameter.any():
            parameter.normal_(std=0.1)


def _peak() -> int:
    """The most memory, in MB, that the process ever held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1_000_000 if sys.platform == "darwin" else 1000)


def _machine(threads: int) -> str:
    from importlib.metadata import version

    model, flags = platform.processor() or platform.machine(), ""
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        told = dict(line.replace("\t", "").split(":", 1) for line in lines if ":" in line)
        wanted = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
        model = told.get("model name", model).strip()
        flags = ", ".join(flag for flag in wanted if flag in told.get("flags", "").split())
    tuned = [f"{k}={v}" for k, v in os.environ.items() if k.startswith(("MALLOC_", "GLIBC_TUN"))]
    if "LD_PRELOAD" in os.environ:
        tuned.append(f"LD_PRELOAD={os.environ['LD_PRELOAD']}")
    allocator = ", ".join(tuned) or "as it comes"
    return (
        f"{model} ({flags}), torch {version('torch')}, threads: {threads}; allocator: {allocator}."
    )


def _formatted(row: dict[str, Any]) -> str:
    cells = [
        row["network"] + (f" x{row['batch']}" if row["batch"] > 1 else ""),
        row["precision"],
        f"{row['official_ms']:.0f}",
        f"{row['c2l_ms']:.0f}",
        f"**{row['ratio']:.2f}** ({min(row['ratios']):.2f} to {max(row['ratios']):.2f})",
        f"{row['wall_ratio']:.2f}",
        f"{row['max_error_over_std']:.1e}",
        f"{row['rms_error_over_std']:.1e}",
        str(row.get("official_peak_mb", "")),
        str(row.get("c2l_peak_mb", "")),
    ]
    return f"| {' | '.join(cells)} |"


def _stand_in() -> None:
    for name in ("requests", "pkg_resources", "scipy"):
        try:
            importlib.import_module(name)
        except ImportError:
            sys.modules[name] = types.ModuleType(name)
    resources: Any = sys.modules["pkg_resources"]
    if not hasattr(resources, "parse_version"):
        resources.parse_version = importlib.import_module("packaging.version").parse
    scipy: Any = sys.modules["scipy"]
    if scipy.__spec__ is not None:
        return
    # Only the design of the filters wants it, and their values do not matter to the time.
    from torch import as_tensor, special

    for part in ("signal", "special", "optimize"):
        module: Any = types.ModuleType(f"scipy.{part}")
        setattr(scipy, part, module)
        sys.modules[module.__name__] = module
    scipy.signal.firwin = _firwin
    scipy.signal.kaiser_atten = lambda numtaps, width: 60.0
    scipy.signal.kaiser_beta = lambda attenuation: 6.0
    scipy.special.j1 = lambda x: special.bessel_j1(as_tensor(x)).numpy()


def _firwin(numtaps: int, cutoff: float, width: float, fs: float) -> Any:
    from c2l_stylegan.networks.filters import lowpass_filter

    taps = lowpass_filter(numtaps, cutoff=cutoff, width=width, sampling_rate=fs)
    assert taps is not None
    return taps.numpy()


if __name__ == "__main__":
    main()
