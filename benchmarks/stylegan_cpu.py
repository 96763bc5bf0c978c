"""Synthesis on one CPU core: this project's StyleGAN beside NVIDIA's own code.

    python benchmarks/stylegan_cpu.py --official ~/stylegan3 --networks sg2-256 sg3-t-256 --runs 3

Both draw the same image from the same random weights, in turn, in one process with one thread, so
that whatever else the machine does meets both. Times are those of the process, not of the clock on
the wall; the best run counts. ``--official`` is a checkout of github.com/NVlabs/stylegan3, whose
licence is its own. That code wants ``scipy``, and ``pkg_resources`` from an older setuptools; where
they are absent, small stand-ins take their place.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")

import torch
from torch import Tensor

from c2l_stylegan.filters import lowpass_filter
from c2l_stylegan.generator import StyleGAN
from c2l_stylegan.settings import Settings, StyleGAN2Settings, StyleGAN3Settings

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
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    options = parser.parse_args()
    torch.set_num_threads(1)
    sys.path.insert(0, str(options.official.resolve()))
    _stand_in()

    rows = []
    print(f"{'network':10} {'official ms':>12} {'c2l ms':>9} {'ratio':>6} {'max error':>10}")
    for name in options.networks:
        row = measure(name, runs=options.runs, batch=options.batch)
        rows.append(row)
        print(
            f"{name:10} {row['official_ms']:12.0f} {row['c2l_ms']:9.0f} {row['ratio']:6.2f} "
            f"{row['max_error']:10.1e}",
            flush=True,
        )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


def measure(name: str, *, runs: int, batch: int) -> dict[str, Any]:
    """Both implementations on one network; the first, cold run of each is not counted."""
    module, sizes = NETWORKS[name]
    kwargs = {"z_dim": 512, "c_dim": 0, "w_dim": 512, "img_channels": 3, **sizes}
    is_third = module == "networks_stylegan3"
    kwargs["mapping_kwargs"] = {"num_layers": 2 if is_third else 8}
    torch.manual_seed(0)
    theirs = importlib.import_module(f"training.{module}").Generator(**kwargs)
    theirs.eval().requires_grad_(False)
    settings: Settings
    if is_third:
        settings = StyleGAN3Settings.from_init_kwargs(kwargs)
    else:
        settings = StyleGAN2Settings.from_init_kwargs(kwargs)
    ours = StyleGAN.initialised(settings).eval().requires_grad_(False)
    ours.load_state_dict(theirs.state_dict())
    ws = torch.randn(batch, ours.num_ws, 512)

    official_ms, c2l_ms, error = [], [], 0.0
    for _ in range(runs + 1):
        expected, spent = timed(lambda: theirs.synthesis(ws, noise_mode="const", force_fp32=True))
        official_ms.append(spent)
        drawn, spent = timed(lambda: ours.synthesize(ws))
        c2l_ms.append(spent)
        error = max(error, float((drawn - expected).abs().max()))
    best = min(official_ms[1:]), min(c2l_ms[1:])
    return {
        "network": name,
        "batch": batch,
        "official_ms": best[0],
        "c2l_ms": best[1],
        "ratio": best[0] / best[1],
        "max_error": error,
    }


def timed(draw: Callable[[], Tensor]) -> tuple[Tensor, float]:
    """What ``draw`` returns, and the milliseconds of processor time it took."""
    start = time.process_time()
    images = draw()
    return images, (time.process_time() - start) * 1000


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
    scipy.signal, scipy.special = (
        types.ModuleType("scipy.signal"),
        types.ModuleType("scipy.special"),
    )
    scipy.signal.firwin = _firwin
    scipy.signal.kaiser_atten = lambda numtaps, width: 60.0
    scipy.signal.kaiser_beta = lambda attenuation: 6.0
    scipy.special.j1 = lambda x: torch.special.bessel_j1(torch.as_tensor(x)).numpy()
    optimize = types.ModuleType("scipy.optimize")
    sys.modules |= {
        "scipy.signal": scipy.signal,
        "scipy.special": scipy.special,
        "scipy.optimize": optimize,
    }


def _firwin(numtaps: int, cutoff: float, width: float, fs: float) -> Any:
    taps = lowpass_filter(numtaps, cutoff=cutoff, width=width, sampling_rate=fs)
    assert taps is not None
    return taps.numpy()


if __name__ == "__main__":
    main()
