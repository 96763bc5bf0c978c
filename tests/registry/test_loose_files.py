"""Files that a user names as plugins: what they offer, what is wrong with others, what is kept."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from c2l import hookspecs
from c2l_registry import Registry
from c2l_registry.errors import PluginFailed, UnknownPlugin
from c2l_registry.loose import FILES, file_of_package, package_of_file

GROUP = "c2l.plugins_of_a_test"

# Interfaces in miniature: the real ones would cost an import of torch for each file.
TOYS = """
import abc
from pathlib import Path

class Generator(abc.ABC):
    @abc.abstractmethod
    def load(cls): ...
Generator.__module__ = "c2l.generator"

class Prior:
    pass
Prior.__module__ = "c2l.prior"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


def registry(*files: str, **environ: str) -> Registry:
    environ = {**os.environ, FILES: os.pathsep.join(files), **environ}
    return Registry(hookspecs, group=GROUP, environ=environ)


def write(name: str, source: str) -> str:
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text(source, encoding="utf-8")
    return f"./{name}"


OFFERS = {
    "classes": (
        TOYS + "class MyGAN(Generator):\n    '''Mine.\n\n    More.'''\n    load = None\n"
        "class Line(Prior): kind = 'straight'\n"
        "class Half(Generator): pass\n"
        "class _Base(Prior): pass\n",
        {"my-gan": "generator", "straight": "prior"},
    ),
    "calls": (
        "import c2l\nfrom c2l.testing import ToyGenerator\n"
        "class Mine(ToyGenerator): pass\nclass Other(ToyGenerator): pass\n"
        "c2l.register_generator(Mine, kind='first')\nc2l.register_generator(Mine, kind='second')\n",
        {"first": "generator", "second": "generator", "other": "generator"},
    ),
    "hooks": (
        TOYS + "import c2l\nclass MyGAN(Generator): load = None\n@c2l.hookimpl\n"
        "def c2l_register_kinds(register):\n"
        "    register(c2l.KindSpec('given', 'generator', 'hooks:MyGAN', 'by a hook'))\n",
        {"given": "generator"},
    ),
}


@pytest.mark.parametrize("name", OFFERS)
def test_what_a_file_offers(name: str) -> None:
    source, kinds = OFFERS[name]
    found = registry(write(f"{name}.py", source))
    assert {k: s.interface for k, s in found.kinds().items() if s.kind in kinds} == kinds
    (row,) = [row for row in found.describe() if row.file]
    assert (row.name, row.dist, row.state) == (f"{name}.py", f"./{name}.py", "available")
    assert set(row.kinds) == set(kinds)
    assert found.problems() == []
    for kind in kinds:
        cls = found.factory(found.kinds()[kind])
        assert cls.__module__ == name
        assert str(found.owner(cls)) == str(found.owner_of_kind(kind))


def test_the_summary_is_the_first_line_of_the_class() -> None:
    found = registry(write("classes.py", OFFERS["classes"][0]))
    assert found.kinds()["my-gan"].summary == "Mine."
    assert found.kinds()["straight"].summary == "The class Line"


def test_a_file_may_import_what_lies_beside_it() -> None:
    write("parts/beside_it.py", TOYS)
    path = write("parts/using.py", "from beside_it import Prior\nclass Mine(Prior): pass\n")
    found = registry(path)
    assert found.factory(found.kinds()["mine"]).__name__ == "Mine"


BROKEN = {
    "raises.py": ("import os\n\ndef f():\n    raise ValueError('no')\n\nf()\n", "line 4: ValueErr"),
    "syntax.py": ("x = 1\ndef (:\n", "line 2: SyntaxError"),
    "inside.py": ("\nimport nothing_of_that_name_xyz\n", "line 2: ModuleNotFoundError"),
    "exits.py": ("raise SystemExit(0)\n", "line 1: SystemExit"),
    "dies.py": ("import os; os._exit(0)\n", "it ends the process while it is imported"),
    "empty.py": ("", "it has no class of a generator, an embedder or a prior, and no hook"),
    "kind.py": (TOYS + "class Aa(Prior): kind = 'A b'\n", "the kind 'A b' must be a letter"),
    "wish.py": ("requires_c2l = '>=99'\n", "c2l>=99"),
    "twice.py": (TOYS + "class Aa(Prior): kind = 'ab'\nclass Bb(Prior): kind = 'ab'\n", "twice"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_fails_stops_what_looks_something_up(name: str) -> None:
    source, said = BROKEN[name]
    found = registry(write(name, source))
    with pytest.raises(PluginFailed) as caught:
        found.kinds()
    assert str(caught.value).startswith(f"the plugin ./{name} fails: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert said in found.plugin(name).error
    assert found.problems() == []  # it is said once


def test_a_file_that_cannot_be_one() -> None:
    write("json.py", "")
    write("notes.txt", "")
    write("a/same.py", TOYS + "class Aa(Prior): pass\n")
    write("b/same.py", TOYS + "class Bb(Prior): pass\n")
    for files, said in [
        (["./nowhere.py"], "./nowhere.py cannot be a plugin: No such file or directory"),
        (["./notes.txt"], "it is not a .py file"),
        (["./json.py"], "its name is that of the module json; rename the file"),
        (["."], "Is a directory"),
        (["~nobody-of-that-name/a.py"], "is not a home folder on this machine"),
        (["./a/same.py", "./b/same.py"], "./b/same.py cannot be a plugin: another file has its na"),
    ]:
        with pytest.raises(UnknownPlugin) as caught:
            registry(*files).kinds()
        assert said in str(caught.value)


def test_kinds_of_others_stay_theirs() -> None:
    path = write("steals.py", TOYS + "class Aa(Prior): kind = 'flow'\nclass Bb(Prior): pass\n")
    found = Registry(hookspecs, environ={**os.environ, FILES: path})
    assert found.owner_of_kind("flow").bundled
    assert (found.plugin("steals.py").state, found.owner_of_kind("bb").file) == ("collision", path)
    same = write("other.py", TOYS + "class Bb(Prior): pass\n")
    with pytest.raises(PluginFailed, match=r"'bb' is claimed by plugins 'steals.py' \(./steals.py"):
        Registry(hookspecs, environ={**os.environ, FILES: f"{path}{os.pathsep}{same}"}).lookup(
            "bb:x"
        )


def test_a_file_can_be_left_out() -> None:
    path = write("broken.py", "raise ValueError")
    assert registry(path, C2L_DISABLE_PLUGINS="broken.py").kinds("prior") == {}


def test_a_file_is_described_once_until_it_changes() -> None:
    source = TOYS + "Path('ran').open('a').write('x')\nclass Aa(Prior): pass\n"
    path = write("counted.py", source)
    for _ in range(2):
        assert "aa" in registry(path).kinds()
        assert Path("ran").read_text() == "x"
    write("counted.py", source + "class Bb(Prior): pass\n")
    assert "bb" in registry(path).kinds()
    assert Path("ran").read_text() == "xx"


def test_cards_name_a_file_and_what_it_held() -> None:
    path = write("classes.py", OFFERS["classes"][0])
    found = registry(path)
    record = found.owner_of_kind("my-gan")
    assert found.package("my-gan") == package_of_file(record)
    assert file_of_package(found.package("my-gan")) == (path, record.sha256)
    assert file_of_package("c2l-dcgan") is None
