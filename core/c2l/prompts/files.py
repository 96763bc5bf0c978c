"""Files of prompts: read, and refused for every fault at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from c2l.errors import BadInput

_SHOWN = 5


def read_prompts(path: Path) -> list[str]:
    """Read a text file in UTF-8 with one prompt on each line.

    Raises:
        BadInput: it cannot be read, is in another encoding, or has empty or repeated lines; one
            line that names all of them.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"cannot read {path}: {error.strerror or error}", hint="Check the path"
        ) from error
    try:
        text = data.decode("utf-8-sig")
        if "\0" in text:
            raise ValueError("zero bytes, as in UTF-16")
    except ValueError as error:
        raise BadInput(
            f"{path} is not in UTF-8: {error}", hint="Save it as UTF-8, one prompt a line"
        ) from error
    prompts = [line.strip() for line in text.rstrip().splitlines()]
    faults = find_faults(prompts)
    if faults:
        raise BadInput(f"{path}: {'; '.join(faults)}", hint="Write one new prompt on each line")
    return prompts


def find_faults(prompts: Sequence[str]) -> list[str]:
    """What is wrong with prompts, in words; lines count from 1."""
    if not any(prompt.strip() for prompt in prompts):
        return ["it holds no prompt"]
    faults = []
    empty = [str(i) for i, prompt in enumerate(prompts, 1) if not prompt.strip()]
    if empty:
        faults.append(f"empty lines: {_some(empty)}")
    first: dict[str, int] = {}
    # Two lines of one text would count as two independent ones.
    again = [
        f"{i} ({first[prompt]})"
        for i, prompt in enumerate(prompts, 1)
        if first.setdefault(prompt, i) != i and prompt.strip()
    ]
    if again:
        faults.append(f"lines that repeat another: {_some(again)}")
    return faults


def _some(numbers: Sequence[str]) -> str:
    more = len(numbers) - _SHOWN
    return ", ".join(numbers[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
