"""``c2l pairs`` and ``c2l train``: what they print, what they write, how they end."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from forging import forge

import c2l.service.pairs
import c2l.service.training
from c2l.cli.app import main
from c2l.cli.progress import drew, duration
from c2l.errors import ExitCode, UnknownReference
from c2l.testing import ToyEmbedder, ToyGenerator, some_prompts
from c2l.training import loop

torch.set_num_threads(1)
SMALL = ["--batch-size", "16", "--set", "hidden=16", "--set", "num_blocks=1", "--no-student"]
FAST = ["--steps", "30", *SMALL]


@pytest.fixture(autouse=True)
def toy_world(monkeypatch: pytest.MonkeyPatch) -> None:
    """``toy:…`` names the parts of the toy world."""

    def load(part: Any) -> Any:
        def loader(reference: str, *, device: str = "cpu") -> Any:
            if not reference.startswith("toy:"):
                raise UnknownReference(f"there is no {reference}", hint="Use toy:")
            return part()

        return loader

    for module in (c2l.service.pairs, c2l.service.training):
        monkeypatch.setattr(module, "load_generator", load(ToyGenerator))
        monkeypatch.setattr(module, "load_embedder", load(ToyEmbedder))
        monkeypatch.setattr(module, "fetch_with_consent", lambda references, **_: [])


PARTS = ["-g", "toy:generator", "-e", "toy:embedder"]


def write_prompts(folder: Path) -> str:
    path = folder / "prompts.txt"
    path.write_text("\n".join(some_prompts(12)) + "\n", encoding="utf-8")
    return str(path)


def test_pairs_then_train(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = tmp_path / "pairs", tmp_path / "x.safetensors"
    assert main(["pairs", *PARTS, "--num", "60", "-o", str(folder), "--json"]) == 0
    printed = capsys.readouterr()
    manifest = json.loads(printed.out)
    assert (manifest["num"], manifest["shard_size"], manifest["batch_size"]) == (60, 1024, 256)
    assert printed.err == "computing on cpu\n"

    prompts = write_prompts(tmp_path)
    command = ["train", "--pairs", str(folder), "-p", "flow", "-o", str(out), *FAST]
    assert main([*command, "--domain", prompts, "--half", "--json"]) == 0
    printed = capsys.readouterr()
    report = json.loads(printed.out)
    assert report["path"] == str(out) and report["kind"] == "flow"
    assert {"prompts_cosine", "held_out_loss"} < set(report["scores"])
    assert report["training"]["steps"] == 30
    assert c2l.load_prior(str(out)).settings()["hidden"] == 16


def test_a_list_in_unknown_words_is_said_before_hours_are_spent_on_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(self: ToyEmbedder, prompt: str) -> c2l.TextReading:
        return c2l.TextReading(unknown=tuple(prompt.split()))

    monkeypatch.setattr(ToyEmbedder, "read_text", nothing)
    words = [*PARTS, "--num", "20", "-p", "ridge", "--no-student"]
    assert main(["train", *words, "-o", str(tmp_path / "x.safetensors")]) == 0
    before, _, after = capsys.readouterr().err.partition("computing on")
    for part in (before, after):
        assert "words that the embedder has never seen, such as" in part
        assert "give a --domain in words it knows" in part


def test_pairs_in_another_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = tmp_path / "pairs", tmp_path / "x.safetensors"
    assert main(["pairs", *PARTS, "--num", "60", "-o", str(folder)]) == 0
    forge(c2l.load_pairs(folder))
    capsys.readouterr()
    command = ["train", "--pairs", str(folder), "-p", "ridge", "-o", str(out), "--no-student"]
    assert main(command) == 0
    said = capsys.readouterr().err
    before, _, after = said.partition(" parameters, in ")
    for part in (before, after):
        assert "do not look like the stored embeddings: these pairs do not belong together" in part
        assert "c2l check" in part
    assert "more pairs help" not in said


def test_train_in_one_go(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "x.safetensors"
    assert main(["train", *PARTS, "--num", "60", "-o", str(out), *FAST]) == 0
    assert c2l.load_pairs(tmp_path / "x.pairs").manifest.num == 60
    printed = capsys.readouterr()
    assert printed.out == "" and f"parameters, in {out} after 0:0" in printed.err
    assert f'. Draw with it: c2l sample "…" --prior {out}\n' in printed.err
    # Once more without --num: the folder knows how many.
    assert main(["train", *PARTS, "-o", str(out), "-p", "neighbours"]) == 0
    assert c2l.load_prior(str(out)).settings()["num_stored"] == 57


def test_layer_groups_from_pairs_to_a_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, again = tmp_path / "x.safetensors", tmp_path / "y.safetensors"
    assert main(["train", *PARTS, "--num", "60", "--groups", "1,3,1", "-o", str(first), *FAST]) == 0
    assert c2l.load_pairs(tmp_path / "x.pairs").manifest.repeats == (1, 3, 1)
    prior = c2l.load_prior(str(first))
    assert prior.repeats == (1, 3, 1)
    result = c2l.Pipeline(ToyGenerator(), ToyEmbedder(), prior)("shape2")
    assert result.latents.shape[:2] == (1, 3)
    # The same pairs by 'c2l pairs', and the run that the file describes.
    folder = str(tmp_path / "y.pairs")
    assert main(["pairs", *PARTS, "--num", "60", "--groups", "1,3,1", "-o", folder]) == 0
    capsys.readouterr()
    assert main(["info", str(first)]) == 0
    toml = tmp_path / "run.toml"
    toml.write_text(capsys.readouterr().out)
    assert "groups = [1, 3, 1]" in toml.read_text().splitlines()
    assert main(["train", str(toml), "-o", str(again)]) == 0
    assert first.read_bytes() == again.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([], ExitCode.USAGE, "nothing to train on"),
        (["-g", "toy:generator"], ExitCode.USAGE, "Give both --generator and --embedder"),
        (["--pairs", "nowhere"], ExitCode.USAGE, "nowhere holds no pairs"),
        (["--pairs", "nowhere", "--domain", "e.txt"], ExitCode.USAGE, "nowhere holds no pairs"),
        (["--pairs", "nowhere", "--domain", "e.txt"], ExitCode.USAGE, "no file e.txt"),
        (["--pairs", "nowhere", "--num", "5"], ExitCode.USAGE, "Leave out --num"),
        (["--pairs", "nowhere", "--groups", "5"], ExitCode.USAGE, "Leave out --groups"),
        (
            [*PARTS, "--groups", "1,x"],
            ExitCode.USAGE,
            "--groups 1,x is not a list of whole numbers",
        ),
        ([*PARTS, "--groups", "0,5"], ExitCode.USAGE, "--groups 0 is below 1"),
        ([*PARTS, "--groups", "2,2"], ExitCode.USAGE, "does not add up to the 5 layers"),
        (["--pairs", "nowhere", "--set", "hidden"], ExitCode.USAGE, "--set hidden=512"),
        (["--pairs", "nowhere", "--domain", "gone.txt"], ExitCode.USAGE, "gone.txt"),
        (["-g", "toi:generator", "-e", "toy:embedder"], ExitCode.NOT_FOUND, "toi:generator"),
        ([*PARTS, "--num", "0"], ExitCode.USAGE, "--num 0"),
        ([*PARTS, "--num", "5"], ExitCode.USAGE, "5 pairs are too few"),
        ([*PARTS, "--num", "50", "-p", "flwo"], ExitCode.NOT_FOUND, "flow"),
        ([*PARTS, "--num", "50", "--device", "cuda:99"], ExitCode.DEVICE, "cuda:99"),
    ],
)
def test_one_line_and_an_exit_code(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: ExitCode,
    says: str,
) -> None:
    out = tmp_path / "x.safetensors"
    assert main(["train", "-o", str(out), *arguments]) == code
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1 and error[0].startswith("error: ") and says in error[0]
    assert not out.exists()


@pytest.mark.parametrize(
    ("prior", "setting", "says"),
    [
        ("flow", "gap=foo", "no ingredient 'foo'"),
        ("flow", "hidden=0", "hidden=0 is below 1"),
        ("flow", "drop=3", "drop=3 is not below 1"),
        ("flow", "guidance=NaN", "guidance=nan is not a finite number"),
        ("onestep", "steps=-1", "steps=-1 is below 1"),
        ("mlp", "spread=-1", "spread=-1 is below 0"),
        ("neighbours", "temperature=0", "temperature=0 is not above 0"),
        ("ridge", "penalty=Infinity", "penalty=inf is not a finite number"),
        ("diffusion", "sampler=foo", "sampler=foo is not 'ddim', 'ddpm', 'dpm++2m' or 'skip'"),
        ("diffusion", "heads=0", "heads=0 is below 1"),
        ("diffusion", "drop=3", "drop=3 is not below 1"),
        ("diffusion", "noise=NaN", "noise=nan is not a finite number"),
    ],
)
def test_settings_are_refused_before_pairs_are_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], prior: str, setting: str, says: str
) -> None:
    command = ["train", *PARTS, "--num", "60", "-o", str(tmp_path / "x"), "-p", prior]
    assert main([*command, "--set", setting]) == ExitCode.USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line
    assert not list(tmp_path.iterdir())


def test_other_pairs_in_the_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["pairs", *PARTS, "--num", "20", "-o", str(tmp_path / "p")]
    assert main(command) == 0
    capsys.readouterr()
    assert main([*command, "--first-seed", "5"]) == ExitCode.INCOMPATIBLE
    assert "its first seed is 0, not 5. Choose another folder with --out" in capsys.readouterr().err
    (tmp_path / "run.toml").write_text("first_seed = 5\n")
    command = ["train", str(tmp_path / "run.toml"), *PARTS, "--pairs", str(tmp_path / "p")]
    assert main([*command, "-o", str(tmp_path / "x")]) == ExitCode.INCOMPATIBLE
    assert "Choose another folder with --pairs" in capsys.readouterr().err


def test_faults_of_run_and_pairs_are_said_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "p"
    assert main(["pairs", *PARTS, "--num", "9", "-o", str(folder)]) == 0
    capsys.readouterr()
    monkeypatch.setattr(ToyEmbedder, "settings", lambda self: {"size": 64})
    command = ["train", "--pairs", str(folder), "-o", str(tmp_path / "x"), "--device", "cuda:99"]
    assert main([*command, "--domain", "gone.txt", "--set", "drop=3"]) == ExitCode.USAGE
    (line,) = capsys.readouterr().err.splitlines()
    for words in ("drop=3", "cuda:99", "gone.txt", "9 pairs are too few", "size 8, not 64"):
        assert line.count(words) == 1


def test_pairs_of_a_generator_that_is_gone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pairs are all that training needs; only the judging of pictures falls away."""
    monkeypatch.setattr(ToyGenerator, "reference", "gone:generator")
    c2l.build_pairs(ToyGenerator(), ToyEmbedder(), 60, tmp_path / "p")
    command = ["train", "--pairs", str(tmp_path / "p"), "-o", str(tmp_path / "x"), *FAST]
    assert main(command) == 0
    assert "warning: no pictures are drawn to judge the prior: there is no gone:generator" in (
        capsys.readouterr().err
    )
    prompts = write_prompts(tmp_path)
    assert main([*command, "--domain", prompts]) == ExitCode.NOT_FOUND


def test_ctrl_c_in_pairs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(self: ToyEmbedder, images: torch.Tensor) -> torch.Tensor:
        raise KeyboardInterrupt

    monkeypatch.setattr(ToyEmbedder, "embed_images", press)
    folder = tmp_path / "p"
    assert main(["pairs", *PARTS, "--num", "20", "-o", str(folder)]) == ExitCode.INTERRUPTED
    assert capsys.readouterr().err.splitlines() == [
        "computing on cpu",
        f"interrupted: 0 of 20 pairs are in {folder}. The same command resumes",
    ]


def test_ctrl_c_in_train(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Pressed(loop.HeldInterrupt):
        def __init__(self) -> None:
            super().__init__()
            self.asked = True

    monkeypatch.setattr(loop, "HeldInterrupt", Pressed)
    out = tmp_path / "x.safetensors"
    command = ["train", *PARTS, "--num", "40", "-o", str(out), *FAST]
    assert main(command) == ExitCode.INTERRUPTED
    error = capsys.readouterr().err.splitlines()
    assert "computing on cpu" in error and len(error) == 3
    assert error[0].startswith("with 40 pairs, expect pictures to show at least ")
    assert error[2].startswith("interrupted: step 1 of 30 is saved in ")
    monkeypatch.undo()
    assert out.with_suffix(".checkpoint.safetensors").exists()


def test_a_run_from_a_file_and_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, again = tmp_path / "x.safetensors", tmp_path / "y.safetensors"
    toml = tmp_path / "run.toml"
    toml.write_text(
        'generator = "toy:generator"\nembedder = "toy:embedder"\nnum = 60\nsteps = 25\n'
        f'student = false\nout = "{first}"\nbatch_size = 16\n'
        "[settings]\nhidden = 16\nnum_blocks = 1\n"
    )
    assert main(["train", str(toml), "--steps", "30"]) == 0
    said = capsys.readouterr().err
    assert "step 20 of 30, held-out loss" in said and "cosine with prompts" in said
    assert "chosen by the embeddings alone: gap blur" in said
    assert "none of these prompts is near anything the generator draws" in said
    assert said.splitlines()[-1].startswith("cosine with prompts")
    # What the file says about its making makes the same file.
    assert main(["info", str(first)]) == 0
    toml.write_text(capsys.readouterr().out)
    assert main(["train", str(toml), "-o", str(again)]) == 0
    assert first.read_bytes() == again.read_bytes()


def test_a_run_without_a_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", *PARTS]) == ExitCode.USAGE
    assert "Name it with --out" in capsys.readouterr().err
    (tmp_path / "run.toml").write_text("stesp = 3")
    assert main(["train", str(tmp_path / "run.toml")]) == ExitCode.USAGE
    assert "unknown key 'stesp' (did you mean 'steps'?)" in capsys.readouterr().err


def test_nothing_is_made_for_a_run_that_cannot_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong setting is said before hours of pairs, together with all else that is wrong."""
    command = ["train", *PARTS, "--num", "60", "-o", str(tmp_path / "x"), "--set", "hiden=3"]
    assert main([*command, "--domain", "facez", "--device", "cuda:99"]) == ExitCode.USAGE
    error = capsys.readouterr().err
    assert all(word in error for word in ("'hiden'", "facez", "cuda:99"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0:00"), (75, "1:15"), (3599.6, "1:00:00"), (4000, "1:06:40")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(89.4, "drew 1,000 in 89 ms"), (9_999, "9999 ms"), (109_373, "drew 1,000 in 1:49")],
)
def test_how_long_drawing_took(milliseconds: float, text: str) -> None:
    assert drew(1000, milliseconds).endswith(text)


def begin(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin 60 pairs, and press Ctrl-C in the middle of the second shard."""
    look, calls = ToyEmbedder.embed_images, 0

    def press(self: ToyEmbedder, images: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls > 4:
            raise KeyboardInterrupt
        return look(self, images)

    with monkeypatch.context() as patch:
        patch.setattr(ToyEmbedder, "embed_images", press)
        sizes = ["--shard-size", "20", "--batch-size", "8"]
        command = ["pairs", *PARTS, "--num", "60", *sizes, "-o", str(folder)]
        assert main(command) == ExitCode.INTERRUPTED


@pytest.mark.parametrize(
    ("asked", "there", "says"),
    [
        (["--num", "30"], 30, "was begun for 60 pairs and now ends at 30; --num 60 adds more"),
        (["--num", "5"], 20, "already holds 20 pairs, more than 5; all of them stay"),
        (["--num", "60"], 60, ""),
        (["--num", "70"], 70, ""),
        ([], 60, ""),
    ],
)
def test_an_unfinished_folder_and_another_number(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    asked: list[str],
    there: int,
    says: str,
) -> None:
    folder = tmp_path / "p"
    begin(folder, monkeypatch)
    capsys.readouterr()
    assert main(["pairs", *PARTS, *asked, "-o", str(folder)]) == 0
    error = capsys.readouterr().err
    assert len(c2l.load_pairs(folder)) == there
    assert says in error and ("pairs and now" in error or "already" in error) == bool(says)
    assert f"{there} pairs in {folder}" in error


def test_training_on_fewer_than_a_folder_was_begun_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = tmp_path / "p", tmp_path / "x.safetensors"
    begin(folder, monkeypatch)
    capsys.readouterr()
    assert main(["train", "--pairs", str(folder), "-o", str(out), *FAST]) == ExitCode.USAGE
    error = capsys.readouterr().err
    assert "holds 20 of 60 pairs. Finish it: c2l pairs --generator toy:generator" in error
    assert "--num 60" in error and "the same with --num 20" in error
    command = ["train", *PARTS, "--pairs", str(folder), "--num", "40", "-o", str(out), *FAST]
    assert main(command) == 0
    assert len(c2l.load_pairs(folder)) == 40
    assert "now ends at 40; --num 60 adds more" in capsys.readouterr().err
    assert c2l.load_prior(str(out)).card.training["num_pairs"] == 38


def test_a_run_with_a_byte_order_mark(tmp_path: Path) -> None:
    toml = tmp_path / "run.toml"
    toml.write_bytes(b"\xef\xbb\xbfnum = 40\r\nprior = 'neighbours'\r\n")
    out = tmp_path / "x.safetensors"
    assert main(["train", str(toml), *PARTS, "-o", str(out)]) == 0
    assert c2l.load_prior(str(out)).settings()["num_stored"] == 38


def test_ctrl_c_is_ignored_where_it_was_when_training_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a process in the background of a shell: the terminal's Ctrl-C is not meant for it."""
    look = ToyEmbedder.embed_images

    def press(self: ToyEmbedder, images: torch.Tensor) -> torch.Tensor:
        signal.raise_signal(signal.SIGINT)
        return look(self, images)

    out = tmp_path / "x.safetensors"
    assert main(["pairs", *PARTS, "--num", "40", "-o", str(tmp_path / "p")]) == 0
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(ToyEmbedder, "embed_images", press)
            assert main(["train", "--pairs", str(tmp_path / "p"), "-o", str(out), *FAST]) == 0
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert out.exists()
