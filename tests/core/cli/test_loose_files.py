"""A generator in a file of the user's own, through all commands: named, found again, never run
because a picture or a prior names it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from c2l.images import read_png
from c2l.prior_file import read_prior_card

MY_GAN = """
    import c2l
    from c2l.testing import ToyGenerator

    open("ran", "a").write("x")

    class MyGAN(ToyGenerator):
        '''Mine.'''

        @classmethod
        def load(cls, source):
            return cls(7).eval().requires_grad_(False)
"""
MY_PRIOR = """
    import torch
    import c2l

    class MeanPrior(c2l.Prior):
        trains_by_gradient = False

        def __init__(self, **settings):
            super().__init__(**settings)
            shape = self.config.num_codes, self.config.latent_width
            self.register_buffer("mean", torch.zeros(shape))

        def fit(self, embeddings, latents, texts=None):
            self.mean.copy_(latents.mean(dim=0))

        def _sample(self, embeddings, options):
            noise = c2l.draw_normal(options.seeds, self.mean.numel())
            said = embeddings.mean(dim=1, keepdim=True) + 0.1 * noise
            return self.mean + said.unflatten(1, self.mean.shape)
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in a folder with two loose files and weights."""
    monkeypatch.chdir(tmp_path)
    for name, source in [("my_gan.py", MY_GAN), ("my_prior.py", MY_PRIOR), ("w.pt", "weights")]:
        Path(name).write_text(dedent(source), encoding="utf-8")
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            # -P: as the installed command, it does not look for modules in the current folder.
            [sys.executable, "-P", "-m", "c2l", *arguments],
            env={**environ, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


def done(process: subprocess.CompletedProcess[str]) -> str:
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_listed_without_torch(run: Run) -> None:
    rows = json.loads(done(run("--plugin", "./my_gan.py", "plugins", "list", "--json")))
    (row,) = [row for row in rows if row["name"] == "my_gan.py"]
    assert (row["dist"], row["state"], row["kinds"]) == ("./my_gan.py", "available", ["my-gan"])
    assert Path("ran").read_text() == "x"
    listed = done(run("models", "list", C2L_PLUGINS="./my_gan.py"))
    assert "my-gan " in listed
    assert Path("ran").read_text() == "x"


def test_from_a_file_to_a_picture_and_again(run: Run) -> None:
    both = ("--plugin", "./my_gan.py", "--plugin", "./my_prior.py")
    parts = ("-g", "my-gan:./w.pt", "-e", "openclip:demo")
    done(run(*both, "pairs", *parts, "--num", "64", "--out", "pairs", "--workers", "2",
             "--batch-size", "16"))  # fmt: skip
    done(
        run(*both, "train", "--pairs", "pairs", "--prior", "mean-prior", "--out", "my.safetensors")
    )
    card = read_prior_card(Path("my.safetensors"))
    assert card.generator.package.startswith("./my_gan.py#sha256=")
    assert card.training["plugin"].startswith("./my_prior.py#sha256=")

    path = done(run(*both, "sample", "a man", "-p", "./my.safetensors", "--seeds", "3")).strip()
    record = read_png(Path(path))
    assert list(record["plugin_files"]) == ["./my_gan.py", "./my_prior.py"]
    assert record["plugin_files"]["./my_gan.py"] == card.generator.package.partition("=")[2]

    before = Path("ran").read_text()
    alone = run("sample", "--from", path)
    assert alone.returncode == 4
    assert "a kind of the file ./my_gan.py or ./my_prior.py, which is not loaded" in alone.stderr
    command = f"c2l --plugin ./my_gan.py --plugin ./my_prior.py sample --from {path}"
    assert alone.stderr.strip().endswith(command)
    for files, said in [
        ((), "is a prior of kind mean-prior: no plugin provides a kind 'mean-prior'. It comes from "
             "the file ./my_prior.py (sha256 "),
        (both[2:], "was trained for the generator my-gan:./w.pt, which is not here: no plugin"),
    ]:  # fmt: skip
        without = run(*files, "sample", "a man", "-p", "./my.safetensors")
        assert without.returncode == 4
        assert said in without.stderr
        assert "If you trust that, load it: c2l --plugin ./my_" in without.stderr
    assert Path("ran").read_text() == before  # naming it runs nothing

    again = done(run(*command.split()[1:], "--out", "again")).strip()
    assert Path(again).read_bytes() == Path(path).read_bytes()
    Path("my_gan.py").write_text(dedent(MY_GAN) + "\n# another\n", encoding="utf-8")
    changed = run(*command.split()[1:], "--out", "changed")
    assert (
        "warning: ./my_gan.py has changed since it was drawn, and the picture may look different"
        in changed.stderr
    )


@pytest.mark.parametrize(
    ("name", "source", "code", "said"),
    [
        ("broken.py", "import os\n\nx = y\n", 7, "./broken.py fails: line 3: NameError: name 'y'"),
        ("nowhere.py", None, 2, "./nowhere.py cannot be a plugin: No such file or directory."),
    ],
)
def test_a_file_that_cannot_be_used(
    run: Run, name: str, source: str | None, code: int, said: str
) -> None:
    if source is not None:
        Path(name).write_text(source, encoding="utf-8")
    failed = run("--plugin", f"./{name}", "sample", "a man", "-g", "my-gan:./w.pt")
    assert failed.returncode == code
    assert said in failed.stderr
    assert failed.stderr.count("\n") == 1
    listed = run("--plugin", f"./{name}", "plugins", "list")
    assert listed.returncode == 0
    assert name in listed.stdout and said in listed.stderr


def test_a_class_that_breaks_a_promise_is_named_with_its_file(run: Run) -> None:
    broken = MY_GAN + "        def synthesize(self, latents, **keywords): return 3\n"
    Path("my_gan.py").write_text(dedent(broken), encoding="utf-8")
    failed = run("--plugin", "./my_gan.py", "pairs", "-g", "my-gan:./w.pt", "-e", "openclip:demo",
                 "--out", "pairs", "--num", "16")  # fmt: skip
    assert failed.returncode == 7
    assert "plugin 'my_gan.py' (./my_gan.py " in failed.stderr
    assert "MyGAN.synthesize gives an int, not a tensor" in failed.stderr


def test_a_path_without_its_dot(run: Run) -> None:
    Path("zoo").mkdir()
    Path("zoo/x").write_text("a prior")
    failed = run("sample", "a man", "-p", "zoo/x")
    assert failed.returncode == 2
    assert failed.stderr.strip().endswith("For the file of that name, write ./zoo/x")
