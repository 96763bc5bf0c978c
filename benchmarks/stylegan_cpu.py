"""Synthesis on a CPU: this project's StyleGAN beside NVIDIA's own code.

    python benchmarks/stylegan_cpu.py --official ~/stylegan3 --networks sg2-256 sg3-t-256 --runs 3

``--official`` is a checkout of github.com/NVlabs/stylegan3, whose licence is its own. The official
code and c2l have a process each, with ``--threads`` and the allocator as the environment sets it:
in one, the official code would gain from what c2l tells the C library. They draw the same image
from the same random weights in turn, so that whatever else the machine does meets them alike. More
processes run each alone, for the peak of its memory. On a processor with units for bf16
(avx512_bf16, AMX), c2l's StyleGAN2 takes part in bf16 as well. The first, cold run of each is not
counted. Times are medians of processor time; the ratio is the median over the turns, its range
beside it.

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
import tempfile
import time
import types
from pathlib import Path
from subprocess import PIPE, Popen
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
        _child(options)
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
        compared = _compare(options, name)
        peaks = {} if options.no_memory else _peak_in_a_child(options, name, "official")
        for row in compared:
            row |= peaks
            if not options.no_memory:
                row |= _peak_in_a_child(options, name, row["precision"])
            rows.append(row)
            print(_formatted(row), flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


def _command(options: argparse.Namespace, name: str, which: str) -> dict[str, Any]:
    """What ``subprocess`` takes for a child of this file."""
    command = [sys.executable, __file__, "--child", which, "--networks", name]
    for flag in ("official", "batch", "threads"):
        command += [f"--{flag}", str(getattr(options, flag))]
    if options.bf16:
        command.append("--bf16")
    pinned = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(options.threads))
    return {"args": command, "env": {**os.environ, **pinned}, "stdout": PIPE, "text": True}


def _peak_in_a_child(options: argparse.Namespace, name: str, which: str) -> dict[str, Any]:
    done = subprocess.run(**_command(options, name, which), check=True)
    return {f"{'official' if which == 'official' else 'c2l'}_peak_mb": int(done.stdout)}


class Drawing:
    """A process that draws a variant whenever it is asked to."""

    def __init__(self, options: argparse.Namespace, name: str, which: str) -> None:
        self._process = Popen(**_command(options, name, f"turns-{which}"), stdin=PIPE)
        self.variants: list[str] = self._read()

    def ask(self, variant: str, image: Path) -> dict[str, float]:
        """Milliseconds; the official process writes its image, the other one compares its own."""
        assert self._process.stdin is not None
        print(variant, image, file=self._process.stdin, flush=True)
        told: dict[str, float] = self._read()
        return told

    def end(self) -> None:
        self._process.communicate()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


def _compare(options: argparse.Namespace, name: str) -> list[dict[str, Any]]:
    told: dict[str, list[dict[str, float]]] = {}
    theirs, ours = (Drawing(options, name, which) for which in ("official", "c2l"))
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.runs + 1):
            for drawing in (theirs, ours):
                for variant in drawing.variants:
                    found = drawing.ask(variant, Path(folder) / "image.pt")
                    told.setdefault(variant, []).append(found)
    for drawing in (theirs, ours):
        drawing.end()

    def median(of: list[dict[str, float]], key: str) -> float:
        return statistics.median(turn[key] for turn in of[1:])

    rows = []
    for variant in ours.variants:
        turns = list(zip(told["official"][1:], told[variant][1:], strict=True))
        ratios = [first["cpu"] / second["cpu"] for first, second in turns]
        rows.append(
            {
                "network": name,
                "batch": options.batch,
                "precision": variant,
                "official_ms": median(told["official"], "cpu"),
                "c2l_ms": median(told[variant], "cpu"),
                "ratio": statistics.median(ratios),
                "ratios": ratios,
                "official_wall_ms": median(told["official"], "wall"),
                "c2l_wall_ms": median(told[variant], "wall"),
                "wall_ratio": statistics.median(a["wall"] / b["wall"] for a, b in turns),
                "max_error_over_std": max(turn["max"] for turn in told[variant]),
                "rms_error_over_std": max(turn["rms"] for turn in told[variant]),
            }
        )
    return rows


def _child(options: argparse.Namespace) -> None:
    """Draw in turns, as asked; or one variant alone, and print the peak of its memory."""
    import torch

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    name, which = options.networks[0], options.child.removeprefix("turns-")
    takes_turns = which != options.child
    official = _official(name, options.official) if takes_turns or which == "official" else None
    if official is not None:
        _stir(official)
    ours = _c2l(name) if which != "official" else None
    if official is not None and ours is not None:
        ours.load_state_dict(official.state_dict())
    ws = torch.randn(
        options.batch, (ours or official).num_ws, 512, generator=torch.Generator().manual_seed(1)
    )

    def draw(variant: str) -> Tensor:
        if variant == "official":
            return official.synthesis(ws, noise_mode="const", force_fp32=True)
        ours.synthesis.feature_dtype = getattr(torch, variant)
        return ours.synthesize(ws)

    if not takes_turns:
        for _ in range(2):
            draw(which)
        print(_peak())
        return
    has_bf16 = torch.ops.mkldnn._is_mkldnn_bf16_supported() or options.bf16
    # Of StyleGAN3, c2l has no fast way in bf16 on a CPU.
    less = ["bfloat16"] if has_bf16 and name.startswith("sg2") else []
    print(json.dumps(["official"] if which == "official" else ["float32", *less]), flush=True)
    for line in sys.stdin:
        variant, image = line.split()
        start = time.process_time(), time.perf_counter()
        drawn = draw(variant)
        told = {
            "cpu": (time.process_time() - start[0]) * 1000,
            "wall": (time.perf_counter() - start[1]) * 1000,
        }
        if variant == "official":
            torch.save(drawn, image)
        else:
            expected = torch.load(image)
            error = (drawn - expected) / expected.std()
            told |= {"max": float(error.abs().max()), "rms": float(error.square().mean().sqrt())}
        print(json.dumps(told), flush=True)


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
