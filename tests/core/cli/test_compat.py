"""``c2l compat``: what fits, why other pairs do not, and the command that would make them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from c2l.cli.app import app, main
from c2l.plugins import registry
from c2l.prior_file import PartCard, PriorCard, write_prior
from c2l.testing import install_package, on_path, plugin_source

OPENAI = "openclip:ViT-B-32/openai"
LAION = "openclip:ViT-B-32/laion2b_s34b_b79k"
FACES = "stylegan:demo-faces"
CARDS = """
[[model]]
reference = "eyes:a"
summary = "Needs no weights"
licence = "MIT"

[[model]]
reference = "eyes:b"
summary = "Is to be fetched"
licence = "MIT"
urls = ["https://example.org/b.bin"]
"""


class Result(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    def run(*arguments: str) -> Result:
        registry.cache_clear()
        return Result(main(["compat", *arguments]), *capsys.readouterr())

    with on_path(tmp_path / "site") as site:
        source = plugin_source("eyes", interface="embedder", cards="eyes.toml")
        install_package(site, "c2l-eyes", {"eyes": source}, files={"eyes.toml": CARDS})
        yield run
    registry.cache_clear()


def rows(result: Result) -> dict[tuple[str, str], dict[str, Any]]:
    assert (result.returncode, result.stderr) == (0, "")
    return {(row["generator"], row["embedder"]): row for row in json.loads(result.stdout)}


def prior(path: Path, generator: str, embedder: str, fingerprint: str = "0" * 64) -> str:
    """The file of a prior; nothing in it could be loaded."""
    parts = [PartCard(reference, fingerprint) for reference in (generator, embedder)]
    write_prior(path, PriorCard("flow", {}, *parts, (1,)), {"w": torch.zeros(1)})
    return str(path)


def test_what_is_here(run: Run) -> None:
    found = rows(run("--json"))
    assert {pair: row["state"] for pair, row in found.items()} == {
        (FACES, "openclip:demo"): "fits",
        (FACES, "eyes:a"): "no prior",
        ("stylegan:demo-landscapes", "openclip:demo"): "fits",
        ("stylegan:demo-landscapes", "eyes:a"): "no prior",
    }
    assert found[FACES, "openclip:demo"]["priors"] == ["flow:demo-faces"]
    missing = found[FACES, "eyes:a"]
    assert missing["reason"] == "flow:demo-faces is for openclip:demo"
    assert missing["command"] == (
        f"c2l train --generator {FACES} --embedder eyes:a --out demo-faces-a.safetensors"
    )


def test_the_command_is_one_that_c2l_takes(run: Run) -> None:
    import typer

    command = rows(run("--json"))[FACES, "eyes:a"]["command"]
    words = shlex.split(command)[1:]
    train = typer.main.get_command(app).commands[words[0]]
    context = train.make_context("train", words[1:])
    assert context.params["generator"] == FACES and context.params["embedder"] == "eyes:a"
    run()  # printed, a long one goes over several lines that a shell joins
    text = run("-g", FACES, "-e", LAION).stdout.replace("\\\n", "")
    assert shlex.split(text.splitlines()[-1])[:2] == ["c2l", "train"]


def test_two_embedders_of_one_width_are_told_apart_by_name(run: Run, tmp_path: Path) -> None:
    mine = prior(tmp_path / "mine.safetensors", FACES, OPENAI)
    found = rows(run(mine, "-g", FACES, "-e", OPENAI, "-e", LAION, "--json"))
    right, wrong = found[FACES, OPENAI], found[FACES, LAION]
    # Its weights are not on this machine, so it cannot draw yet; but it is the right one.
    assert right["priors"] == [mine] and right["state"] == "needs"
    assert right["command"] == f"c2l models pull {OPENAI}"
    assert wrong["priors"] == [] and wrong["state"] == "no prior"
    assert f"{mine} is for {OPENAI}" in wrong["reason"]
    assert wrong["command"].startswith(f"c2l train --generator {FACES} --embedder {LAION} ")


def test_a_prior_of_ones_own(run: Run, tmp_path: Path) -> None:
    mine = prior(tmp_path / "mine.safetensors", FACES, "eyes:a")
    found = rows(run(mine, "--json"))
    assert found[FACES, "eyes:a"]["state"] == "fits"
    assert found[FACES, "eyes:a"]["priors"] == [mine]
    assert found["stylegan:demo-landscapes", "eyes:a"]["reason"] == (
        "flow:demo-landscapes is for openclip:demo"
    )


@pytest.mark.parametrize(
    ("generator", "embedder", "says", "command"),
    [
        (FACES, "eyes:b", "eyes:b is to be fetched", "c2l models pull eyes:b"),
        (FACES, "eyes:c", "there is no embedder eyes:c", ""),
        ("nosuch:x", "eyes:a", "no plugin provides a kind 'nosuch'", ""),
        ("stylegan:./gone.pkl", "eyes:a", "there is no file", ""),
        ("", "eyes:a", "a part without a name", ""),
    ],
)
def test_what_a_prior_needs(
    run: Run, tmp_path: Path, generator: str, embedder: str, says: str, command: str
) -> None:
    mine = prior(tmp_path / "mine.safetensors", generator, embedder)
    (row,) = [row for row in rows(run(mine, "--json")).values() if mine in row["priors"]]
    assert row["state"] == "needs"
    assert says in row["reason"] and row["command"] == command


def test_parts_that_are_files_are_compared_by_place(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import c2l

    network = tmp_path / "g.safetensors"
    c2l.load_generator(FACES, device="cpu").save(network)
    mine = prior(tmp_path / "mine.safetensors", "stylegan:./g.safetensors", "eyes:a")
    monkeypatch.chdir(tmp_path)
    for given in ("./g.safetensors", "stylegan:./g.safetensors", str(network)):
        found = rows(run(mine, "-g", given, "-e", "eyes:a", "--json"))
        assert [row["state"] for row in found.values()] == ["fits"], given


def test_mistakes(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"not a prior")
    for arguments, code in (
        (["-g", "openclip:demo"], 2),
        (["-e", "eyes:c"], 4),
        (["-g", "nosuch:x"], 4),
        ([str(tmp_path / "absent.safetensors")], 4),
        ([str(tmp_path / "x.safetensors")], 9),
        (["flow"], 2),
    ):
        result = run(*arguments)
        assert (result.returncode, result.stdout) == (code, ""), arguments
        assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["--all"]])
def test_readable_in_80_columns(run: Run, arguments: list[str]) -> None:
    text = run(*arguments).stdout
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) < 60
    assert "openclip:demo  fits, by flow:demo-faces" in text
    if arguments:
        assert "diffusion:ffhq-sg2-510" in text  # the recipe of parts that are to be fetched
        assert "other generators" in text and "--generator GENERATOR --embedder EMBEDDER" in text


def test_all_in_json_has_every_pair(run: Run) -> None:
    found = rows(run("--all", "--json"))
    names = [entry.reference for entry in registry().models("generator") if entry.card]
    assert {generator for generator, _ in found} == set(names)
    recipe = found["stylegan:ffhq-1024", "openclip:ViT-B-32-quickgelu/openai"]
    assert recipe["state"] == "needs"
    assert recipe["command"] == (
        "c2l models pull stylegan:ffhq-1024 openclip:ViT-B-32-quickgelu/openai "
        "diffusion:ffhq-sg2-510"
    )
