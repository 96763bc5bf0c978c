"""Mutates network files and reads them: each must be refused cleanly, or be a valid network.

    python benchmarks/fuzz_readers.py --num 10000

A mutation replaces, inserts, removes, repeats or swaps bytes, mostly where a file holds structure
rather than numbers, or splices in instructions that call something. Counted as failures: an error
of another kind than BadWeights, any code that is run (seen by an audit hook), a network or, in
every eighth file, traced memory of more than four times the file, and more than ten seconds.
"""

from __future__ import annotations

import argparse
import random
import sys
import sysconfig
import tempfile
import time
import tracemalloc
from collections import Counter
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace

from c2l.errors import BadWeights
from c2l_stylegan.generator import StyleGAN

DATA = Path(__file__).parents[1] / "tests" / "data"
ORIGINALS = (
    DATA / "stylegan" / "sg2-cond-16" / "network.pkl",
    DATA / "stylegan" / "sg3-r-32" / "network.pkl",
    DATA / "stylegan-files" / "tf-legacy-32" / "network.pkl",
    DATA / "stylegan-files" / "rosinality-32" / "model.pt",
)
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


@lru_cache
def _warm_up(original: Path) -> None:
    """What a first reading imports is no business of the file's."""
    StyleGAN.load(SimpleNamespace(path=original))


def check_mutant(original: Path, seed: int, place: Path) -> str:
    """Read one mutant; "refused ...", "loaded ...", or what is wrong."""
    global _armed
    _warm_up(original)
    place.write_bytes(mutate(original.read_bytes(), random.Random(seed)))
    most = 4 * max(place.stat().st_size, 1) + SLACK
    _seen.clear()
    if seed % 8 == 0:
        tracemalloc.start()
    started = time.process_time()
    _armed = True
    try:
        network = StyleGAN.load(SimpleNamespace(path=place))
        num_bytes = sum(tensor.nbytes for tensor in network.state_dict().values())
        outcome = "loaded" if num_bytes <= most else f"a network of {num_bytes} bytes"
    except BadWeights as error:
        outcome = "refused" if "\n" not in str(error) else f"two lines: {error}"
    except Exception as error:
        outcome = f"{type(error).__name__}: {error}"
    finally:
        _armed = False
        taken = time.process_time() - started
        peak = tracemalloc.get_traced_memory()[1] if tracemalloc.is_tracing() else 0
        tracemalloc.stop()
    if _seen:
        return f"executed {_seen}"
    if taken > LONGEST:
        return f"took {taken:.1f} s"
    if peak > most:
        return f"allocated {peak} bytes for {place.stat().st_size}"
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--num", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    outcomes: Counter[str] = Counter()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for i in range(arguments.num):
            original = ORIGINALS[i % len(ORIGINALS)]
            outcome = check_mutant(original, arguments.seed + i, Path(folder) / original.name)
            outcomes[outcome if outcome in ("refused", "loaded") else "FAILED"] += 1
            if outcome not in ("refused", "loaded"):
                print(f"seed {arguments.seed + i}, {original.parent.name}: {outcome}", flush=True)
    print(f"{dict(outcomes)} in {time.monotonic() - started:.0f} s")
    return 1 if outcomes["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())
