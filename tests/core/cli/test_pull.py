"""From an empty cache to a picture: consent, downloads, checks, removal; against a bad server."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from bad_server import BadServer, bad_server

import c2l
from c2l.cli.app import main
from c2l.errors import BadWeights, LicenceNotAccepted, NotDownloaded
from c2l.plugins import registry
from c2l.testing import install_package, on_path, plugin_source
from c2l_registry import consent

DATA = Path(__file__).parents[2] / "data"
PRIOR = DATA / "c2l-prior" / "small" / "checkpoint-released-like.ckpt"
NETWORK = b"NETWORK" + random.Random(3).randbytes(400_000)

PARTS = """
import torch
from safetensors.torch import save_file
from c2l import Embedder, Generator, LatentSpace

class Net(Generator):
    @classmethod
    def load(cls, source):
        start = source.path.read_bytes()[:7]
        assert start == b"NETWORK" or source.path.suffix == ".safetensors", start
        print("opened", source.path.name)
        return cls().eval()
    @property
    def latent_space(self):
        return LatentSpace(1, 64, (18,), torch.zeros(1, 64), torch.ones(1, 64))
    @property
    def image_size(self):
        return 8, 8
    def sample_latents(self, seeds):
        return torch.zeros(len(seeds), 1, 64)
    def synthesize(self, latents, *, truncation=1.0, repeats=None):
        return torch.tanh(latents).view(-1, 1, 8, 8).expand(-1, 3, -1, -1)
    def save(self, path, *, half=False):
        save_file({"x": torch.zeros(1)}, path)

class Text(Embedder):
    @classmethod
    def load(cls, source):
        return cls().eval()
    @property
    def width(self):
        return 64
    def embed_images(self, images):
        return images.mean(1).flatten(1)
    def embed_text(self, prompts):
        return torch.ones(len(prompts), 64)
"""


class Result(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Result]


@pytest.fixture
def server() -> Iterator[BadServer]:
    with bad_server() as running:
        running.add("/net.pkl", NETWORK, cuts=[100_000, 100_000])
        running.add("/prior.ckpt", PRIOR.read_bytes(), cuts=[500_000])
        running.add("/prior.yaml", PRIOR.with_suffix(".yaml").read_bytes())
        yield running


@pytest.fixture
def site(tmp_path: Path, server: BadServer) -> Iterator[Path]:
    cards = f"""
[[model]]
reference = "pullgan:net"
summary = "A network of a test"
licence = "Test licence 1.0"
licence_url = "https://example.org/licence"
commercial_use = false
size = {len(NETWORK)}
urls = ["{server.base}/gone/net.pkl", "{server.base}/net.pkl"]
sha256 = "{hashlib.sha256(NETWORK).hexdigest()}"

[[model]]
reference = "diffusion:pulled"
summary = "A prior of a test"
licence = "MIT"
urls = ["{server.base}/prior.ckpt"]

[[model.companions]]
name = "prior.yaml"
urls = ["{server.base}/prior.yaml"]

[[model]]
reference = "pulltext:plain"
summary = "No weights"
licence = "MIT"

[[recipe]]
name = "pulled"
summary = "A recipe of a test"
generator = "pullgan:net"
embedder = "pulltext:plain"
prior = "diffusion:pulled"
"""
    folder = tmp_path / "site"
    source = plugin_source("pullgan", cards="pull.toml").replace(
        "fractions:Fraction", "pull_parts:Net"
    )
    text = plugin_source("pulltext", interface="embedder").replace(
        "fractions:Fraction", "pull_parts:Text"
    )
    install_package(
        folder,
        "c2l-pull",
        {"pull": source, "text": text},
        files={"pull.toml": cards, "pull_parts.py": PARTS},
    )
    with on_path(folder):
        registry.cache_clear()
        yield folder
    registry.cache_clear()


@pytest.fixture
def run(site: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> Result:
        registry.cache_clear()
        return Result(main(arguments), *capsys.readouterr())

    return run


def environment(site: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *sys.path]), **more}


def spawn(site: Path, *arguments: str, **env: str) -> Result:
    done = subprocess.run(
        [sys.executable, "-m", "c2l", *arguments],
        env=environment(site, **env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def weights(tmp_path: Path) -> Path:
    return tmp_path / "c2l-home" / "weights"


def test_from_an_empty_cache_to_a_picture_and_again_offline(
    site: Path, server: BadServer, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ask = ("sample", "a hairy man", "--recipe", "pulled", "--seeds", "3")
    refused = spawn(site, *ask, "--out", str(out))
    assert refused.returncode == 10
    error = refused.stderr.splitlines()[-1]
    assert error.startswith("error: the licence is not accepted yet: pullgan:net is under Test")
    assert "(no commercial use)" in error and "If you accept it, use " in error
    assert not weights(tmp_path).exists() and not server["/net.pkl"].asked

    first = spawn(site, *ask, "--out", str(out), "--accept-licence")
    assert first.returncode == 0, first.stderr
    assert "c2l recipes check pulled" in first.stderr
    assert "licence: Test licence 1.0 (no commercial use), https://example.org/licence" in (
        first.stderr
    )
    assert server["/net.pkl"].asked == ["", "bytes=100000-", "bytes=200000-"]
    assert server["/net.pkl"].sent == len(NETWORK)
    (picture,) = out.glob("*-s3.png")
    folder = weights(tmp_path) / "pullgan" / "net"
    assert {f.name for f in folder.iterdir() if f.name[0] != "."} == {
        "net.pkl", "net.safetensors", "accepted-licence.json"
    }  # fmt: skip

    again = spawn(site, *ask, "--out", str(tmp_path / "more"), C2L_OFFLINE="1")
    assert again.returncode == 0, again.stderr
    assert "opened net.safetensors" in again.stdout and "opened net.pkl" in first.stdout
    assert "licence" not in again.stderr
    (same,) = (tmp_path / "more").glob("*-s3.png")
    assert same.read_bytes() == picture.read_bytes()


def test_a_check_is_offered_once(run: Run, server: BadServer) -> None:
    offer = "to see that it draws as it should: c2l recipes check pulled"
    first = run("recipes", "pull", "pulled", "--accept-licence")
    assert first.returncode == 0, first.stderr
    assert first.stderr.count(offer) == 1 and "warning" not in first.stderr
    assert first.stdout.count("fetched") == 2
    again = run("recipes", "pull", "pulled", "--json")
    assert (again.returncode, again.stderr) == (0, "")
    assert {row["state"] for row in json.loads(again.stdout)} == {"here"}


def test_pull_verify_remove(run: Run, server: BadServer, tmp_path: Path) -> None:
    dry = run("recipes", "pull", "pulled", "--dry-run", "--json")
    assert [(r["reference"], r["state"]) for r in json.loads(dry.stdout)] == [
        ("pullgan:net", "to be fetched"),
        ("pulltext:plain", "here"),
        ("diffusion:pulled", "to be fetched"),
    ]
    assert json.loads(dry.stdout)[0]["size"] == len(NETWORK)
    assert "to download: 400.0 kB and more of unknown size" in (
        run("models", "pull", "pullgan:net", "diffusion:pulled", "--dry-run").stderr
    )
    assert not server["/net.pkl"].asked

    pulled = run("models", "pull", "diffusion:pulled", "--accept-licence", "--json")
    assert pulled.returncode == 0, pulled.stderr
    (row,) = json.loads(pulled.stdout)
    assert row["state"] == "fetched" and row["commercial_use"] is None
    assert row["sha256"] == hashlib.sha256(PRIOR.read_bytes()).hexdigest()
    assert Path(row["path"]).with_suffix(".yaml").is_file()
    assert "fetched prior.ckpt: 1.7 MB" in pulled.stderr
    again = run("models", "pull", "diffusion:pulled", "--json")
    assert (again.returncode, again.stderr) == (0, "")
    assert json.loads(again.stdout)[0]["state"] == "here"

    whole = run("models", "verify", "--json")
    assert (whole.returncode, whole.stderr) == (0, "")
    assert {r["state"] for r in json.loads(whole.stdout)} == {"ok"}
    shown = run("models", "show", "diffusion:pulled").stdout
    assert "name prior.yaml, urls http://" in shown and "{" not in shown
    with Path(row["path"]).open("r+b") as file:
        file.write(b"?")
    broken = run("models", "verify", "diffusion:pulled")
    assert broken.returncode == 9
    assert (
        "diffusion:pulled has changed since it was downloaded. Fetch it again: c2l models"
        in broken.stderr
    )
    assert "changed" in broken.stdout

    gone = run("models", "remove", "diffusion:pulled", "--json")
    assert gone.returncode == 0
    assert json.loads(gone.stdout)[0]["freed"] > PRIOR.stat().st_size
    assert not (weights(tmp_path) / "diffusion").exists()
    assert run("models", "verify", "diffusion:pulled").returncode == 6
    assert run("models", "remove", "stylegan:demo-faces").returncode == 2


def test_unknown_names_stop_before_anything_is_fetched(run: Run, server: BadServer) -> None:
    result = run("models", "pull", "diffusion:pulled", "pullgan:nett", "--accept-licence")
    assert result.returncode == 4 and "Did you mean pullgan:net" in result.stderr
    assert not server["/prior.ckpt"].asked


def test_loading_fetches_nothing(site: Path, server: BadServer, tmp_path: Path) -> None:
    with pytest.raises(NotDownloaded, match="Fetch it: c2l models pull pullgan:net"):
        c2l.load_generator("pullgan:net")
    with pytest.raises(LicenceNotAccepted, match="accept_licence=True"):
        c2l.fetch("pullgan:net")
    assert not server["/net.pkl"].asked
    c2l.fetch("pullgan:net", accept_licence=True)
    assert c2l.load_generator("pullgan:net").image_size == (8, 8)
    (weights(tmp_path) / "pullgan" / "net" / "net.pkl").unlink()
    c2l.fetch("pullgan:net")  # said once, remembered


def test_a_conversion_that_was_killed_is_made_up_for(run: Run, tmp_path: Path) -> None:
    pull = ("models", "pull", "pullgan:net")
    assert run(*pull, "--accept-licence").returncode == 0
    folder = weights(tmp_path) / "pullgan" / "net"
    (folder / "net.safetensors").unlink()
    left = folder / ".net.safetensors.partial" / ".tmpabcdef"
    left.parent.mkdir()
    left.write_bytes(bytes(1000))
    assert "here" in run(*pull).stdout
    assert (folder / "net.safetensors").is_file() and not left.parent.exists()
    left.parent.mkdir()
    left.write_bytes(bytes(1000))
    assert run("models", "remove", "pullgan:net").returncode == 0
    assert not folder.exists()


def test_a_disk_too_full_to_convert_is_a_warning(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *, half: bool = False) -> None:
        path.write_bytes(b"some of it")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("c2l.loading.load_generator", lambda *_, **__: SimpleNamespace(save=full))
    pulled = run("models", "pull", "pullgan:net", "--accept-licence")
    assert pulled.returncode == 0 and "fetched" in pulled.stdout
    (warning,) = [line for line in pulled.stderr.splitlines() if line.startswith("warning")]
    assert "net.safetensors: No space left on device" in warning
    assert not list(weights(tmp_path).rglob("*.partial"))


def test_a_network_that_nothing_reads_says_how_to_start_over(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(reference: str, *, device: str) -> None:
        raise BadWeights("net.pkl is not read: a pickle breaks off", hint="Fetch it again")

    monkeypatch.setattr("c2l.loading.load_generator", refuse)
    for _ in range(2):  # also when it is found here
        result = run("models", "pull", "pullgan:net", "--accept-licence")
        assert result.returncode == 9
        last = result.stderr.splitlines()[-1]
        assert last.endswith("c2l models remove pullgan:net; c2l models pull pullgan:net")


def test_the_yes_to_what_lies_elsewhere_is_taken_back(run: Run, site: Path) -> None:
    name = "openclip:ViT-B-32/openai"
    consent.accept(name, "MIT", "", os.environ)
    removed = run("models", "remove", name)
    assert removed.returncode == 0 and "Hugging Face's cache keeps its copy" in removed.stderr
    assert not consent.consent_file(name, os.environ).exists()
    assert run("models", "remove", name).returncode == 2
    assert "nothing was fetched yet" in run("models", "verify").stderr


def test_inspecting_a_fetched_network_names_its_licence(run: Run, tmp_path: Path) -> None:
    network = DATA / "stylegan" / "sg2-ada-32" / "network.pkl"
    path = weights(tmp_path) / "stylegan" / "ffhq-256" / "stylegan2-ffhq-256x256.pkl"
    path.parent.mkdir(parents=True)
    path.write_bytes(network.read_bytes())
    named = json.loads(run("models", "inspect", "stylegan:ffhq-256", "--json").stdout)
    assert named["licence"] == "NVIDIA Source Code License for StyleGAN3"
    assert run("models", "verify").returncode == 0  # keeps its hash
    known = json.loads(run("models", "inspect", str(network), "--json").stdout)
    assert known["reference"] == named["reference"] == "stylegan:ffhq-256"


def test_licences_are_wrapped_between_words_on_a_terminal(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    said = run("models", "pull", "pullgan:net", "--dry-run").stderr.splitlines()
    assert said[-2:] == [
        "    licence: Test licence 1.0 (no commercial use),",
        "    https://example.org/licence",
    ]


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 10)])
def test_one_yes_on_a_terminal(
    site: Path, server: BadServer, tmp_path: Path, answer: str, code: int
) -> None:
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "c2l", "recipes", "pull", "pulled"],
        env=environment(site, TERM="dumb"),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    os.write(ours, f"{answer}\n".encode())
    said = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        said += piece
    assert process.wait(timeout=300) == code, said
    assert process.stdout is not None
    process.stdout.close()
    os.close(ours)
    assert said.count(b"Accept the licences and fetch?") == 1
    assert (weights(tmp_path) / "pullgan").exists() == (code == 0)


def test_the_catalogue() -> None:
    registry.cache_clear()
    assert registry().problems(cards=True) == []
    entries = [e for e in registry().models() if e.path and e.plugin in {"stylegan", "priors"}]
    assert len(entries) > 50 and len({e.path for e in entries}) == len(entries)
    for entry in entries:
        assert entry.card is not None and entry.card.source and entry.card.licence_url
        assert entry.card.resolution or entry.interface == "prior"
        assert entry.path is not None and entry.path.suffix in {".pkl", ".pt", ".ckpt"}
    names = {entry.reference for entry in entries}
    faces = {
        *("ffhq-256-ada", "ffhq-512-ada", "ffhq-1024-ada", "ffhq-1024-ada-noaug"),
        *("celebahq-256", "celebahq-256-ada", "ffhq-1024-tf", "ffhq-1024-tf-e"),
        *("ffhq-1024-rosinality-ema", "ffhq-1024-ada-rosinality", "metfaces-1024-ada-rosinality"),
    }
    assert {f"stylegan:{name}" for name in faces} <= names
    face, scene = registry().recipe("faces"), registry().recipe("landscapes")
    for part in (face.generator, face.prior, scene.generator, scene.prior):
        assert part in names
    assert face.embedder == scene.embedder == "openclip:ViT-B-32-quickgelu/openai"
    ngc = registry().entry(face.generator)
    assert ngc.path is not None and ngc.path.name == "stylegan2-ffhq-1024x1024.pkl"
