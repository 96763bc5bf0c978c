"""Mutates network files and reads them: each must be refused cleanly, or be a valid network.

    python benchmarks/fuzz_readers.py --num 10000

NVIDIA's pickles of PyTorch and of TensorFlow, and their networks and tensors in torch.save; the
StyleGAN2s of rosinality, BasicSR, mmgeneration and genforce; an encoder with a decoder; packed
ones; the other GANs; the clip2latent authors' checkpoints; OpenAI's archives, and OpenCLIP's
training. Formats of torch.save are both tried. A mutation replaces, inserts, removes, repeats or
swaps bytes, mostly where a file holds structure rather than numbers, or splices in instructions
that call something. Counted as failures: an error of another kind than
BadWeights, any code that is run (seen by an audit hook), more than ten seconds, and more than four
times the file (and 2 MiB, which any file may take) of: the network, the growth of the process while
it reads (on Linux), or, in every eighth file, memory as Python traces it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
import sysconfig
import tempfile
import time
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
import nvidia_writer
import other_layouts
import tensorflow_writer

from c2l.errors import BadWeights
from c2l.reading import unwrapped
from c2l.resolving import find_generator
from c2l_openclip.checkpoints import build_towers
from c2l_openclip.sources import CONFIG_NAME, from_path
from c2l_priors.diffusion import DiffusionPrior
from c2l_stylegan.generator import StyleGAN

DATA = Path(__file__).parents[1] / "tests" / "data"
ROSINALITY = DATA / "stylegan-files" / "rosinality-32" / "model.pt"
ORIGINALS = (
    DATA / "stylegan" / "sg2-cond-16" / "network.pkl",
    DATA / "stylegan" / "sg3-r-32" / "network.pkl",
    DATA / "stylegan-files" / "tf-legacy-32" / "network.pkl",
    ROSINALITY,
    DATA / "c2l-prior" / "tiny" / "checkpoint.ckpt",
    DATA / "c2l-prior" / "tiny" / "checkpoint-legacy-format.ckpt",
    DATA / "c2l-prior" / "tiny" / "checkpoint-cfg-omegaconf.ckpt",
    DATA / "c2l-prior" / "small" / "checkpoint-released-like.ckpt",
)
LEGACY = {"_use_new_zipfile_serialization": False}
TINY_CLIP = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "head_width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 8, "vocab_size": 90, "width": 64, "heads": 1, "layers": 1},
    "quick_gelu": True,
}
LONGEST = 10.0
SLACK = 2 << 20
"""What any file may take, however small it is."""

LIBRARY = Path(sysconfig.get_path("stdlib"))
_FORBIDDEN = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "exec", "os.fork")
_CALLS = (
    b"cos\nsystem\n(X\x04\x00\x00\x00truetR",
    b"cbuiltins\neval\n(X\x01\x00\x00\x001tR",
    b"\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R",
    b"ctorch.storage\n_load_from_bytes\nC\x0ccos\nsystem\n.x\x85R",
)
_armed = False
_seen: list[str] = []
_gans: dict[str, Any] = {}
"""The class that reads each of their files."""


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if _armed and event in _FORBIDDEN and not _is_import(arguments):
        _seen.append(event)


def _is_import(arguments: tuple[object, ...]) -> bool:
    """Whether a module of Python itself is run, such as an encoding met for the first time."""
    file = getattr(arguments[0], "co_filename", "") if arguments else ""
    return getattr(arguments[0], "co_name", "") == "<module>" and Path(file).is_relative_to(LIBRARY)


sys.addaudithook(_watch)


def mutate(data: bytes, draw: random.Random) -> bytes:
    """A few random changes, each near a place that looks like structure."""
    changed = bytearray(data)
    names = (b"_modules", b"storage", b"weight", b"\x93", b"R", b"torch", b"numpy", b"PK", b"dtype")
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(changed))
        if draw.random() < 0.7:
            found = changed.find(draw.choice(names), at)
            at = max(0, found + draw.randint(-12, 12)) if found >= 0 else at
        length = draw.choice((1, 1, 2, 4, 8, 60))
        kind = draw.randrange(7)
        if kind == 0:
            changed[at : at + 1] = bytes([draw.randrange(256)])
        elif kind == 1:
            changed[at:at] = draw.randbytes(length)
        elif kind == 2:
            del changed[at : at + length]
        elif kind == 3:
            changed[at:at] = changed[at : at + length] * draw.choice((2, 20))
        elif kind == 4:
            changed[at:at] = draw.choice(_CALLS)
        elif kind == 5:
            changed[at : at + 4] = draw.choice(
                (b"\xff\xff\xff\x7f", b"\x00\x00\x00\x00", b"\xff" * 4)
            )
        else:
            del changed[at + draw.choice((0, 100, 100_000)) :]
        if not changed:
            break
    return bytes(changed)


@dataclass(frozen=True)
class Outcome:
    """What became of one mutant.

    Args:
        verdict: "refused", "loaded", or what is wrong.
        seconds: of the process's own time.
        growth: of the process while it read, at its highest, in bytes.
    """

    verdict: str
    seconds: float
    growth: int

    @property
    def is_clean(self) -> bool:
        return self.verdict in ("refused", "loaded")


def read(path: Path) -> Any:
    """The network in a file, by its own reader."""
    with unwrapped(path) as inner:
        if "clip" in path.name:
            found = from_path(inner)
            return build_towers(found.config, found.weights, found.state, rows=1)
        name = path.name.removeprefix("mutant-")
        cls: Any = DiffusionPrior if path.suffix == ".ckpt" else _gans.get(name, StyleGAN)
        return cls.load(SimpleNamespace(path=inner))


def write_gans(folder: Path) -> list[Path]:
    """The small networks of all families of c2l_gans, unpacked."""
    found = []
    for packed in sorted(DATA.glob("gans/*/*.gz")):
        path = folder / f"{packed.parent.name}-{packed.stem}"
        path.write_bytes(gzip.decompress(packed.read_bytes()))
        _gans[path.name], _ = find_generator(str(path))
        found.append(path)
    return found


def write_originals(folder: Path) -> list[Path]:
    """Files that are not in the repository: written by the tables that the tests use."""
    network = other_layouts.small()
    state = network.state_dict()
    wide = other_layouts.small(size=(8, 4))

    def save(name: str, value: Any, **options: Any) -> Path:
        with nvidia_writer.nvidia_modules():
            torch.save(value, folder / name, **options)
        return folder / name

    ours = {name: write(network) for name, write in other_layouts.LAYOUTS.items()}
    encoder = {"encoder.body.0.weight": torch.ones(20, 20)}
    decoder = {f"decoder.{name}": tensor for name, tensor in ours["rosinality"].items()}
    record = nvidia_writer.record(network)
    found = [
        save("whole-network.pt", record),
        save("whole-network-legacy.pt", {"G_ema": record, "D": None}, **LEGACY),
        save("nvidia-names.pt", state),
        save("encoder.pt", {"state_dict": {**encoder, **decoder}, "latent_avg": torch.ones(6, 24)}),
        save("basicsr.pth", {"params_ema": ours["basicsr"]}),
        save("mmgeneration.pth", {"meta": {}, "state_dict": ours["mmgeneration"]}, **LEGACY),
        save("genforce.pth", {"models": {"generator_smooth": ours["genforce"]}}),
    ]
    gs = tensorflow_writer.as_tensorflow(wide)
    found.append(tensorflow_writer.dump_tensorflow(folder / "tensorflow-8x4.pkl", (gs, gs, gs)))
    (folder / "network.pkl.gz").write_bytes(gzip.compress(found[-1].read_bytes(), mtime=0))
    with zipfile.ZipFile(folder / "packed.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(found[0], "model/whole-network.pt")
    found += [folder / "network.pkl.gz", folder / "packed.zip"]

    import open_clip

    clip = open_clip.CLIP(**json.loads(json.dumps(TINY_CLIP))).eval()
    (folder / CONFIG_NAME).write_text(json.dumps({"model_cfg": TINY_CLIP, "preprocess_cfg": {}}))
    trained = {f"module.{name}": tensor for name, tensor in clip.state_dict().items()}
    found.append(save("clip-epoch_1.pt", {"epoch": 1, "state_dict": trained, "optimizer": {}}))
    alone = folder / "archive"
    alone.mkdir()
    inputs = torch.zeros(1, 3, 32, 32), torch.zeros(1, 8, dtype=torch.int64)
    torch.jit.save(torch.jit.trace(clip, inputs), alone / "clip-openai.pt")
    return [*found, alone / "clip-openai.pt"]


@lru_cache
def _warm_up(original: Path) -> None:
    """What a first reading imports is no business of the file's."""
    read(original)


def check_mutant(original: Path, seed: int, place: Path) -> Outcome:
    """Read one mutant, written to ``place``."""
    _warm_up(original)
    place.write_bytes(mutate(original.read_bytes(), random.Random(seed)))
    size = max(place.stat().st_size, 1)
    most = 4 * size + SLACK
    before = _resident("VmRSS")
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    started = time.process_time()
    verdict = _verdict(place, most, traced=seed % 8 == 0)
    seconds = time.process_time() - started
    growth = max(0, _resident("VmHWM") - before)
    if growth > most:
        verdict = f"grew by {growth} bytes for {size}"
    if seconds > LONGEST:
        verdict = f"took {seconds:.1f} s"
    return Outcome(verdict, seconds, growth)


def _verdict(place: Path, most: int, *, traced: bool) -> str:
    global _armed
    _seen.clear()
    if traced:
        tracemalloc.start()
    _armed = True
    try:
        network = read(place)
        num_bytes = sum(tensor.nbytes for tensor in network.state_dict().values())
        outcome = "loaded" if num_bytes <= most else f"a network of {num_bytes} bytes"
    except BadWeights as error:
        outcome = "refused" if "\n" not in str(error) else f"two lines: {error}"
    except Exception as error:
        outcome = f"{type(error).__name__}: {error}"
    finally:
        _armed = False
        peak = tracemalloc.get_traced_memory()[1] if tracemalloc.is_tracing() else 0
        tracemalloc.stop()
    if _seen:
        return f"executed {_seen}"
    if peak > most:
        return f"allocated {peak} bytes for {place.stat().st_size}"
    return outcome


def _resident(name: str) -> int:
    """Bytes, from Linux's account of this process; 0 elsewhere."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
    return 0


def _table(found: dict[str, list[Outcome]]) -> Iterable[str]:
    yield "| original | mutants | refused | loaded | failed | slowest, s CPU | growth, MB |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for name, outcomes in [*found.items(), ("all", [o for row in found.values() for o in row])]:
        counts = Counter(o.verdict if o.is_clean else "failed" for o in outcomes)
        yield (
            f"| {name} | {len(outcomes)} | {counts['refused']} | {counts['loaded']} | "
            f"{counts['failed']} | {max(o.seconds for o in outcomes):.2f} | "
            f"{max(o.growth for o in outcomes) / 1e6:.1f} |"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--num", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--gans", action="store_true", help="the families of c2l_gans alone")
    arguments = parser.parse_args()
    found: dict[str, list[Outcome]] = {}
    with tempfile.TemporaryDirectory() as folder:
        old = Path(folder) / "rosinality-legacy.pt"
        checkpoint = torch.load(ROSINALITY, weights_only=True)
        torch.save(checkpoint, old, _use_new_zipfile_serialization=False)
        originals = tuple(write_gans(Path(folder)))
        if not arguments.gans:
            originals = (*ORIGINALS, old, *write_originals(Path(folder)), *originals)
        for i in range(arguments.num):
            original = originals[i % len(originals)]
            place = original.with_name(f"mutant-{original.name}")
            if original in ORIGINALS:
                place = Path(folder) / f"mutant{original.suffix}"
            outcome = check_mutant(original, arguments.seed + i, place)
            is_stored = original in ORIGINALS
            name = f"{original.parent.name}/{original.name}" if is_stored else original.name
            found.setdefault(name, []).append(outcome)
            if not outcome.is_clean:
                print(f"seed {arguments.seed + i}, {name}: {outcome.verdict}", flush=True)
    print("\n".join(_table(found)))
    return 0 if all(o.is_clean for row in found.values() for o in row) else 1


if __name__ == "__main__":
    sys.exit(main())
