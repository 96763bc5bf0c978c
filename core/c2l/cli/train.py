"""``c2l train``: pairs to a prior; or a generator and an embedder to a prior in one go."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from c2l.cli import output
from c2l.cli.pairs import DEFAULT_NUM, make_pairs
from c2l.cli.progress import duration, progress
from c2l.errors import BadInput, C2LError, ExitCode

if TYPE_CHECKING:
    from c2l.embedder import Embedder
    from c2l.generator import Generator
    from c2l.pairs import Pairs
    from c2l.training import Progress, TrainingReport

EXAMPLES = """
c2l train --pairs faces-pairs --prior flow --out faces.safetensors

c2l train -g stylegan:demo-faces -e openclip:demo --prior flow --num 20000 --out faces.safetensors
"""


def register(app: typer.Typer) -> None:
    app.command("train", epilog=EXAMPLES)(train)


def train(
    out: Annotated[Path, typer.Option("--out", "-o", help="The prior's file.")],
    prior: Annotated[
        str, typer.Option("-p", "--prior", help="Its kind, as in: c2l models list --kind prior.")
    ] = "flow",
    pairs: Annotated[
        Path | None,
        typer.Option(help="Folder of pairs; with -g and -e they are made there first."),
    ] = None,
    generator: Annotated[
        str | None, typer.Option("-g", "--generator", help="Make pairs of this generator.")
    ] = None,
    embedder: Annotated[
        str | None, typer.Option("-e", "--embedder", help="Make pairs with this embedder.")
    ] = None,
    num: Annotated[
        int | None, typer.Option("--num", "-n", help="Pairs to make.", show_default="100000")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Training steps.", show_default="by number of pairs")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Pairs in a step.", show_default="256")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Highest learning rate.", show_default="0.001")
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of the prior, as in hidden=512; may be repeated."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of first weights, batches and noise.")] = 0,
    prompts: Annotated[
        Path | None, typer.Option(help="A text file, one prompt a line, to score the prior by.")
    ] = None,
    half: Annotated[bool, typer.Option("--half", help="Store the weights in float16.")] = False,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps or auto.")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Train a prior on pairs.

    Interrupted, the same command goes on where it stopped, to the same file.
    """
    output.warned_registry()
    lines = _read_lines(prompts) if prompts else []
    settings = dict(_read_setting(text) for text in setting or ())
    if (generator is None) != (embedder is None):
        raise BadInput("making pairs takes a generator and an embedder", hint="Give both -g and -e")
    if pairs is None and generator is None:
        raise BadInput(
            "there is nothing to train on", hint="Give --pairs DIR, or -g and -e to make pairs"
        )
    if generator is None and num is not None:
        raise BadInput(
            "--num is how many pairs to make, which takes -g and -e", hint="Leave --num out"
        )

    live: tuple[Generator, Embedder] | None
    if generator is not None and embedder is not None:
        from c2l.loading import load_embedder, load_generator

        live = load_generator(generator, device=device), load_embedder(embedder, device=device)
        folder = pairs or out.with_suffix(".pairs")
        made = make_pairs(*live, _num_in(folder) if num is None else num, folder)
    else:
        from c2l.pairs import load_pairs

        assert pairs is not None
        made = load_pairs(pairs)
        live = _judges(made, device, needed=bool(lines))
    options = {
        "prompts": lines,
        "settings": settings,
        "steps": steps,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "seed": seed,
        "device": device,
        "half": half,
    }
    report = _train(prior, made, out, live, options)
    if as_json:
        output.data(json.dumps(report.to_dict()))
    else:
        _say(report)


def _train(
    kind: str,
    pairs: Pairs,
    out: Path,
    live: tuple[Generator, Embedder] | None,
    options: dict[str, Any],
) -> TrainingReport:
    """``train_prior`` under a progress bar; Ctrl-C ends the command and says how to go on."""
    from c2l.training import TrainingInterrupted, train_prior

    generator, embedder = live or (None, None)
    try:
        with progress(f"training {kind}", "steps") as update:

            def show(state: Progress) -> None:
                note = "" if state.loss is None else f"loss {state.loss:.4f}"
                update(state.step, state.steps, note)

            return train_prior(
                kind,
                pairs,
                out,
                generator=generator,
                embedder=embedder,
                on_progress=show,
                **options,
            )
    except TrainingInterrupted as stop:
        output.talk(f"interrupted: {stop}. Give the same command again to go on")
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def _judges(pairs: Pairs, device: str, *, needed: bool) -> tuple[Generator, Embedder] | None:
    """The parts that made the pairs, to score the prior with; not having them is no error."""
    from c2l.loading import load_embedder, load_generator

    manifest = pairs.manifest
    try:
        return (
            load_generator(manifest.generator.reference, device=device),
            load_embedder(manifest.embedder.reference, device=device),
        )
    except C2LError as error:
        if needed:
            raise
        output.warn(f"no pictures are drawn to score the prior: {error.message}")
        return None


def _num_in(folder: Path) -> int:
    """How many pairs a begun folder shall hold, or the default."""
    from c2l.pairs import read_manifest

    return read_manifest(folder).num if (folder / "manifest.json").exists() else DEFAULT_NUM


def _read_setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise BadInput(f"--set {text} is no setting", hint="Write it as in --set hidden=512")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _read_lines(path: Path) -> list[str]:
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"cannot read {path}: {error}", hint="Give a text file in UTF-8, one prompt a line"
        ) from error
    prompts = [line for line in lines if line]
    if not prompts:
        raise BadInput(f"{path} holds no prompt", hint="Write one prompt on each line")
    return prompts


def _say(report: TrainingReport) -> None:
    scores = ", ".join(f"{name.replace('_', ' ')} {v:.4f}" for name, v in report.scores.items())
    output.talk(
        f"{report.kind}, {report.num_parameters:,} parameters, in {report.path} "
        f"after {duration(report.seconds)}" + (f": {scores}" if scores else "")
    )
