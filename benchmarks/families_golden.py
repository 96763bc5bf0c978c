"""Makes the small networks of tests/data/gans, and their pictures, with the official code.

    python benchmarks/families_golden.py --official ~/checkouts fastgan

``--official`` holds a checkout of each official repository, under its own name. A folder is made
for each family: the file that the official code wrote, with weights rounded so that it packs well,
and what that code draws with it. Printed is the largest difference to what this project draws, as
a part of an image's standard deviation. Without ``--official``, that is done for what is stored
already, the StyleGANs of tests/data/stylegan and stylegan-files included.
"""

from __future__ import annotations

import argparse
import gzip
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1] / "tests"
DATA = TESTS / "data" / "gans"
_NUM = 3
_KEPT = 16
"""Of an image, about as many pixels of as many rows. What lies between two of them is odd, so that
pixels are among them of each phase of each doubling."""


def main() -> None:
    from families import NAMES

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--official", type=Path)
    parser.add_argument("families", nargs="*", default=list(NAMES), metavar="FAMILY")
    options = parser.parse_args()
    if options.official is None:
        _measure_stored()
        return
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


def _measure_stored() -> None:
    import torch
    from safetensors.torch import load_file

    import c2l

    sys.path.insert(0, str(TESTS))
    from gan_goldens import Golden

    print("| network | file | opens as | error |")
    print("| --- " * 4 + "|")
    found: list[tuple[str, Path, Any]] = []
    for name in sorted(folder.name for folder in DATA.iterdir()):
        golden = Golden(name)
        found.append((name, golden.path, golden))
    for place in ("stylegan", "stylegan-files"):
        for path in sorted((TESTS / "data" / place).glob("*/golden.safetensors")):
            files = [f for f in path.parent.iterdir() if f.stem in ("network", "model", "weights")]
            found += [(path.parent.name, file, load_file(path)) for file in sorted(files)]
    for name, file, golden in found:
        with torch.no_grad(), warnings.catch_warnings(action="ignore"):
            ours: Any = c2l.load_generator(str(file))
            if isinstance(golden, dict):
                drawn, wanted, std = (
                    ours.synthesis(golden["ws"]),
                    golden["img"],
                    golden["img"].std(),
                )
            else:
                tensors, step = golden.tensors, golden.stride
                chosen = {n: tensors[n].tolist() for n in ["classes"] if n in tensors}
                images = ours.synthesize(ours.map(tensors["z"], **chosen))
                drawn, wanted = images[..., ::step, ::step], tensors["images"][:, :3]
                std = golden.std
        error = float((drawn - wanted).abs().max() / std)
        kind = ours.reference.partition(":")[0]
        print(f"| {name} | {file.name} | {kind} | {error:.0e} |")


def network_width(ours: object) -> int:
    """The width of the noise that a generator of ours starts from."""
    settings = ours.network_settings  # type: ignore[attr-defined]
    width: int = settings.z_dim
    return width


if __name__ == "__main__":
    main()
