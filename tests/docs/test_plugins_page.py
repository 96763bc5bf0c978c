"""The tutorial of docs/plugins.md: its commands alone lead from nothing to pictures."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from doc_pages import blocks_of, section_of, text_of
from machine import Machine
from PIL import Image

from c2l.testing import assert_conforms

PAGE = "docs/plugins.md"
SECTIONS = ["Your GAN in ten minutes", "An embedder", "A prior"]

# What takes minutes, made small. As it stands it took 3:30, 3:50 and 2:30 on two busy cores.
QUICK = {r"--num \d+": "--num 200", r"^c2l train .*": r"\g<0> --steps 20"}


def commands_of(heading: str) -> list[str]:
    section = section_of(PAGE, heading).partition("\n### ")[0]
    return [line for block in blocks_of(section, "bash") for line in block.splitlines()]


@pytest.mark.timeout(1800)  # two dozen processes: a minute of work, much more on a busy machine
def test_the_commands_of_the_tutorial(tmp_path: Path) -> None:
    machine = Machine.make(tmp_path)
    for heading in SECTIONS:
        new, install, *others = commands_of(heading)
        name = new.split()[-1]
        machine.c2l(*shlex.split(new)[1:])
        assert install.startswith("pip install -e ")
        machine.install(*shlex.split(install)[2:])
        said = []
        for command in others:
            for wanted, small in QUICK.items():
                command = re.sub(wanted, small, command)
            said.append(machine.c2l(*shlex.split(command)[1:]).stdout)
        # The lists, which come before anything is trained.
        lists = said[: len(others) - 2]
        assert lists and all(re.search(rf"^{name}\b", text, re.M) for text in lists)

    give_a_name(tmp_path / "c2l-my-gan" / "src" / "c2l_my_gan" / "cards", tmp_path)
    assert "my-gan" in machine.c2l("recipes", "list").stdout
    machine.c2l("sample", "a green field", "--recipe", "my-gan", "--out", "named", "--num", "1")
    assert len(list((tmp_path / "named").glob("*.png"))) == 1

    pictures = [p for p in (tmp_path / "pictures").iterdir() if re.search(r"-s\d+\.png$", p.name)]
    assert len(pictures) == 4 * len(SECTIONS)
    for path in pictures:
        with Image.open(path) as image:
            low, high = zip(*image.convert("RGB").getextrema(), strict=True)
            assert max(high) - min(low) > 30, f"{path.name} shows nothing"


def give_a_name(cards: Path, folder: Path) -> None:
    """As the marks in the file of cards say: put the prior there, and remove them."""
    shutil.copy(folder / "my-gan.safetensors", cards / "flow-my-gan.safetensors")
    toml = cards / "cards.toml"
    models, _, waiting = toml.read_text(encoding="utf-8").partition("\n#\n")
    unmarked = re.sub("^# ?", "", waiting, flags=re.M)
    toml.write_text(f"{models}\n{unmarked}", encoding="utf-8")


def test_the_commands_are_those_that_c2l_new_proposes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from c2l.service import new_package

    monkeypatch.chdir(tmp_path)
    interfaces = ("generator", "embedder", "prior")
    for interface, heading in zip(interfaces, SECTIONS, strict=True):
        told = commands_of(heading)
        made = new_package(interface, told[0].split()[-1])
        assert [command for command in made.commands if command not in told] == []
        readme = Path(made.folder, "README.md").read_text(encoding="utf-8")
        assert all(command in readme for command in made.commands[1:])


def test_the_prior_without_gradients_keeps_its_promises() -> None:
    names: dict[str, Any] = {"__name__": "page"}
    (block,) = blocks_of(section_of(PAGE, "Priors without gradients"), "python")
    exec(compile(block, PAGE, "exec", dont_inherit=True), names)
    assert_conforms(names["Line"])


def test_every_section_is_in_the_contents() -> None:
    text = text_of(PAGE)
    contents = text[: text.index("\n## ")]
    headings = re.findall(r"^## (.*)", text, re.M)
    anchors = re.findall(r"\(#([\w-]+)\)", contents)
    missing = {h.lower().replace(" ", "-") for h in headings} - set(anchors)
    assert not missing
