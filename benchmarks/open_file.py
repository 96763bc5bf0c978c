"""How long a 1024 px network takes to open, from NVIDIA's pickle and from its converted form.

    python benchmarks/open_file.py [--folder DIR] [--rounds N]

Writes a pickle with the structure of NVIDIA's (StyleGAN2, 1024 px, config F, random weights; G,
D and G_ema, about 360 MB), opens it, converts it, and opens what came of it; each opening in a
process of its own, after a tiny network has been opened, so that imports are not counted. Time is
given as elapsed and as the process's own, memory as the highest resident set during the opening
above the one before it and above the network itself; a file that is mapped counts as far as it was
touched. Linux.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

TESTS = Path(__file__).parents[1] / "tests"
TINY = TESTS / "data" / "stylegan" / "sg2-cond-16"


def write_pickle(path: Path) -> None:
    """A pickle as NVIDIA's training writes it, with random weights."""
    sys.path.insert(0, str(TESTS))
    import torch
    from nvidia_writer import Persistent, dump, record

    from c2l_stylegan.generator import StyleGAN
    from c2l_stylegan.networks.settings import StyleGAN2Settings

    settings = StyleGAN2Settings(z_dim=512, c_dim=0, w_dim=512, img_resolution=1024, img_channels=3)
    networks = {
        name: record(StyleGAN.initialised(settings, seed=seed))
        for seed, name in enumerate(("G", "G_ema"))
    }
    blocks = {}
    for r in reversed(settings.resolutions[1:]):
        inside, outside = settings.channels[r], settings.channels[r // 2]
        shapes = {
            "fromrgb": (inside, 3, 1, 1),
            "conv0": (inside, inside, 3, 3),
            "conv1": (outside, inside, 3, 3),
            "skip": (outside, inside, 1, 1),
        }
        layers = {name: _layer(Persistent, torch.randn(shape)) for name, shape in shapes.items()}
        blocks[f"b{r}"] = _module(Persistent, "DiscriminatorBlock", modules=layers)
    last = {
        "conv": _layer(Persistent, torch.randn(512, 513, 3, 3)),
        "fc": _layer(Persistent, torch.randn(512, 8192)),
    }
    blocks["b4"] = _module(Persistent, "DiscriminatorEpilogue", modules=last)
    discriminator = _module(Persistent, "Discriminator", modules=blocks)
    order = {"G": networks["G"], "D": discriminator, "G_ema": networks["G_ema"]}
    dump(path, {"training_set_kwargs": None, **order, "augment_pipe": None})


def _layer(persistent: Any, weight: Any) -> Any:
    import torch

    return _module(persistent, "Conv2dLayer", parameters={"weight": torch.nn.Parameter(weight)})


def _module(
    persistent: Any,
    class_name: str,
    *,
    parameters: dict[str, Any] | None = None,
    modules: dict[str, Any] | None = None,
) -> Any:
    state = {"_parameters": parameters or {}, "_buffers": {}, "_modules": modules or {}}
    return persistent(class_name, state)


def measure(path: Path, convert_to: Path | None = None) -> dict[str, float]:
    """Open one file in this process."""
    from c2l_stylegan.generator import StyleGAN

    StyleGAN.load(SimpleNamespace(path=TINY))
    with path.open("rb") as file:  # from the page cache, not from the disk
        while file.read(1 << 24):
            pass
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    elapsed, own = time.perf_counter(), time.process_time()
    network = StyleGAN.load(SimpleNamespace(path=path))
    elapsed, own = time.perf_counter() - elapsed, time.process_time() - own
    peak = _resident("VmHWM") - before
    size = sum(tensor.nbytes for tensor in network.state_dict().values())
    if convert_to is not None:
        network.save(convert_to)
    return {
        "file": path.stat().st_size,
        "network": size,
        "elapsed": elapsed,
        "own": own,
        "above": max(0, peak - size),
    }


def _resident(name: str) -> int:
    """Bytes, from the kernel's account of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("this benchmark needs Linux")


def in_a_process(*arguments: str) -> dict[str, float]:
    """``measure`` in a fresh process."""
    done = subprocess.run(
        [sys.executable, __file__, "--measure", *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folder", type=Path, help="where there is room for 500 MB")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", nargs="+", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(*arguments.measure)))
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        pickled, converted = Path(folder) / "network.pkl", Path(folder) / "network.safetensors"
        write_pickle(pickled)
        in_a_process(str(pickled), str(converted))
        print("| file | MB | s elapsed | s CPU | MB above the network | of the file's size |")
        print("| --- | --- | --- | --- | --- | --- |")
        for path in (pickled, converted):
            rows = [in_a_process(str(path)) for _ in range(arguments.rounds)]
            row = {key: statistics.median(r[key] for r in rows) for key in rows[0]}
            print(
                f"| {path.name} | {row['file'] / 1e6:.0f} | {row['elapsed']:.2f} | "
                f"{row['own']:.2f} | {row['above'] / 1e6:.0f} | "
                f"{row['above'] / row['file']:.2f} |"
            )


if __name__ == "__main__":
    main()
