"""Makes the small networks of tests/data/gans, and their pictures, with the official code.

    python benchmarks/families_golden.py --official ~/checkouts fastgan

``--official`` holds a checkout of each official repository, under its own name. A folder is made
for each family: the file that the official code wrote, with weights rounded so that it packs well,
and what that code draws with it. Printed is the largest difference to what this project draws, as
a part of an image's standard deviation.
"""

from __future__ import annotations

import argparse
import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "tests" / "data" / "gans"
_NUM = 3
_KEPT = 16
"""Of an image, about as many pixels of as many rows. What lies between two of them is odd, so that
pixels are among them of each phase of each doubling."""


def main() -> None:
    from families import NAMES

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--official", type=Path, required=True)
    parser.add_argument("families", nargs="*", default=list(NAMES), metavar="FAMILY")
    options = parser.parse_args()
    if len(options.families) == 1:
        _make(options.families[0], options.official)
        return
    for name in options.families:  # their modules have the same names
        command = [sys.executable, __file__, "--official", str(options.official), name]
        subprocess.run(command, check=True)


def _make(name: str, official: Path) -> None:
    import torch
    from families import open_family, round_off
    from safetensors.torch import save_file

    import c2l

    family = open_family(name, official)
    folder = DATA / name
    folder.mkdir(parents=True, exist_ok=True)
    network = family.small()
    if isinstance(network, torch.nn.Module):  # TensorFlow's are made so
        round_off(network)
    plain = folder / family.FILE
    family.save(network, plain)
    packed = plain.with_name(plain.name + ".gz")
    packed.write_bytes(gzip.compress(plain.read_bytes(), 9, mtime=0))
    plain.unlink()

    ours: Any = c2l.load_generator(str(packed))
    z = torch.randn(_NUM, network_width(ours), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        drawn = family.draw(network, ours, z)
    images = drawn["images"]
    stride = images.shape[-1] // _KEPT | 1
    kept = {"z": z, **drawn, "images": images[:, :, ::stride, ::stride]}
    kept = {key: tensor.contiguous() for key, tensor in kept.items()}
    facts = {"file": packed.name, "stride": str(stride), "std": str(float(images.std()))}
    save_file(kept, folder / "golden.safetensors", facts)
    latents = ours.map(z, **{n: drawn[n].tolist() for n in ["classes"] if n in drawn})
    error = float((ours.synthesize(latents) - images[:, :3]).abs().max() / images.std())
    sizes = ", ".join(f"{p.name} {p.stat().st_size / 1000:.0f} kB" for p in folder.iterdir())
    print(f"{name}: {ours.reference.partition(':')[0]}, error {error:.0e}, {sizes}")


def network_width(ours: object) -> int:
    """The width of the noise that a generator of ours starts from."""
    settings = ours.network_settings  # type: ignore[attr-defined]
    width: int = settings.z_dim
    return width


if __name__ == "__main__":
    main()
