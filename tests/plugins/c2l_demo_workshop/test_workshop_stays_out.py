"""The workshop is for those who make the demo; people who install c2l get what it made."""

from __future__ import annotations

from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

import c2l_demo
import c2l_demo_workshop

ROOT = Path(c2l_demo_workshop.__file__).parents[2]


def files_in_wheel() -> set[str]:
    files = WheelBuilder(str(ROOT)).recurse_included_files()
    return {Path(file.distribution_path).as_posix() for file in files}


def test_the_wheel_holds_the_demo_whole_and_nothing_of_the_workshop() -> None:
    shipped = files_in_wheel()
    assert not [name for name in shipped if name.startswith("c2l_demo_workshop")]
    package = Path(c2l_demo.__file__).parent
    for file in package.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            assert file.relative_to(package.parent).as_posix() in shipped
