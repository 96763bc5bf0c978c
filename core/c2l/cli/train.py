"""``c2l train``: pairs to a prior; or a generator and an embedder to a prior in one go."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from c2l.cli import output
from c2l.cli.fetching import fetch_with_consent
from c2l.cli.options import DEVICES, AcceptLicence, Groups
from c2l.cli.pairs import DEFAULT_NUM, make_pairs, num_workers, read_groups
from c2l.cli.progress import duration, progress
from c2l.errors import BadInput, C2LError, ExitCode, IncompatibleParts

if TYPE_CHECKING:
    from c2l.embedder import Embedder
    from c2l.generator import Generator
    from c2l.pairs import Pairs
    from c2l.training import Progress, TrainingReport, TrainingRun

EXAMPLES = """
c2l train --pairs faces-pairs --prior flow --out faces.safetensors

c2l train -g stylegan:demo-faces -e openclip:demo --num 20000 --out faces.safetensors

c2l train run.toml --steps 2000
"""


def register(app: typer.Typer) -> None:
    app.command("train", epilog=EXAMPLES)(train)


def train(
    run_file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[RUN.toml]", help="A run in TOML; options win over it.", show_default=False
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The prior's file.")] = None,
    prior: Annotated[
        str | None,
        typer.Option(
            "-p",
            "--prior",
            help="Its kind, as in: c2l models list --kind prior.",
            show_default="flow",
        ),
    ] = None,
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
    groups: Groups = None,
    domain: Annotated[
        str | None,
        typer.Option(
            help="What people ask of the generator: faces, landscapes, animals, general, or a text "
            "file of your own prompts.",
            show_default="by the generator's name",
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Training steps at most.", show_default="by number of pairs")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Pairs in a step.", show_default="256, on a GPU 1024")
    ] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Highest learning rate.", show_default="0.001")
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(help="Stop after so many validations without a gain.", show_default="5"),
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of the prior, as in hidden=512; may be repeated."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of first weights, batches and noise.", show_default="0")
    ] = None,
    student: Annotated[
        bool | None,
        typer.Option(
            "--student/--no-student",
            help="Also learn to rank candidates without drawing them.",
            show_default="student",
        ),
    ] = None,
    half: Annotated[
        bool | None, typer.Option("--half/--no-half", help="Store the weights in float16.")
    ] = None,
    device: Annotated[str | None, typer.Option(help=DEVICES, show_default="cpu")] = None,
    tensorboard: Annotated[
        Path | None, typer.Option(help="Folder for TensorBoard, besides OUT.log.jsonl.")
    ] = None,
    accept_licence: AcceptLicence = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Train a prior on pairs.

    Sizes and steps follow from the number of pairs. Training ends when it gains no more, and says
    what it reached. Interrupted, the same command goes on where it stopped, to the same file.
    """
    given = {
        "prior": prior,
        "settings": dict(_read_setting(text) for text in setting) if setting else None,
        "generator": generator,
        "embedder": embedder,
        "num": num,
        "groups": None if groups is None else read_groups(groups),
        "pairs": pairs,
        "out": out,
        "domain": domain,
        "steps": steps,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "patience": patience,
        "seed": seed,
        "student": student,
        "half": half,
        "device": device,
        "tensorboard": tensorboard,
    }
    run = _read_run(run_file, {name: value for name, value in given.items() if value is not None})
    output.warned_registry()

    if run.generator is None:
        made, live = _read_pairs(run)
    else:
        made, live = _new_pairs(run, accept_licence=accept_licence)
    report = _train(run, made, live)
    if as_json:
        output.data(json.dumps(report.to_dict()))
    else:
        _say(report)


def _read_run(file: Path | None, given: dict[str, Any]) -> TrainingRun:
    """The run that a file and the options describe, if it can be begun.

    Raises:
        BadInput: they do not belong together, or say too little.
    """
    from c2l.training import TrainingRun

    run = TrainingRun.read(file, **given) if file is not None else TrainingRun(**given)
    if run.out is None:
        raise BadInput("the prior needs a place", hint="Name its file with --out")
    if (run.generator is None) != (run.embedder is None):
        raise BadInput("making pairs takes a generator and an embedder", hint="Give both -g and -e")
    if run.pairs is None and run.generator is None:
        raise BadInput(
            "there is nothing to train on", hint="Give --pairs DIR, or -g and -e to make pairs"
        )
    if run.generator is None and run.num is not None:
        raise BadInput(
            "--num is how many pairs to make, which takes -g and -e", hint="Leave --num out"
        )
    if run.generator is None and run.groups is not None:
        raise BadInput(
            "--groups is how to make pairs, which takes -g and -e", hint="Leave --groups out"
        )
    return run


def _read_pairs(run: TrainingRun) -> tuple[Pairs, tuple[Generator, Embedder] | None]:
    """The pairs of a run, and the parts that made them; all that is wrong is said at once."""
    from c2l.pairs import load_pairs
    from c2l.training.checks import Faults, check_pairs, check_run

    folder = run.pairs
    assert folder is not None
    faults = Faults()
    faults.catch(lambda: check_run(run))
    pairs = faults.catch(lambda: load_pairs(folder))
    if pairs is not None and faults:
        # What else is wrong is said too; a wrong device has been.
        parts = _judges(pairs, "cpu", needed=False) or (None, None)
        faults.catch(lambda: check_pairs(pairs, *parts))
    faults.say()
    assert pairs is not None
    return pairs, _judges(pairs, run.device, needed=run.domain is not None)


def _new_pairs(
    run: TrainingRun, *, accept_licence: bool
) -> tuple[Pairs, tuple[Generator, Embedder]]:
    """Pairs that are made first, as the run says, and the parts that made them."""
    from c2l.loading import load_embedder, load_generator
    from c2l.training.checks import check_run
    from c2l.training.priors import try_prior

    check_run(run)
    assert run.out is not None and run.generator is not None and run.embedder is not None
    fetch_with_consent([run.generator, run.embedder], accept_licence=accept_licence)
    live = (
        load_generator(run.generator, device=run.device),
        load_embedder(run.embedder, device=run.device),
    )
    folder = run.pairs or run.out.with_suffix(".pairs")
    num = _num_in(folder) if run.num is None else run.num
    try_prior(run, num, *live)
    workers = num_workers(live[0].device.type, num)
    try:
        made = make_pairs(
            *live, num, folder, groups=run.groups, first_seed=run.first_seed, workers=workers
        )
    except IncompatibleParts as error:  # here, --out is the prior's
        hint = "Choose another folder with --pairs"
        raise IncompatibleParts(error.message, hint=hint) from error
    return made, live


def _train(
    run: TrainingRun, pairs: Pairs, live: tuple[Generator, Embedder] | None
) -> TrainingReport:
    """``train_prior`` under a progress bar; Ctrl-C ends the command and says how to go on."""
    from c2l.training import TrainingInterrupted, train_prior

    generator, embedder = live or (None, None)
    assert run.out is not None
    try:
        with progress(f"training {run.prior}", "steps") as update:

            def show(state: Progress) -> None:
                note = "" if state.loss is None else f"loss {state.loss:.4f}"
                update(state.step, state.steps, note)
                if state.validation is not None:
                    output.talk(_seen(state))

            return train_prior(
                run, pairs, run.out, generator=generator, embedder=embedder, on_progress=show
            )
    except TrainingInterrupted as stop:
        output.talk(f"interrupted: {stop}. Give the same command again to go on")
        raise typer.Exit(ExitCode.INTERRUPTED) from None


def _seen(state: Progress) -> str:
    """One look at the averaged weights, in a line."""
    seen = state.validation
    assert seen is not None
    facts = [f"step {state.step:,} of {state.steps:,}"]
    if seen.held_out_loss is not None:
        facts.append(f"held-out loss {seen.held_out_loss:.4f}{'' if seen.best else ' (no gain)'}")
    if seen.prompts_cosine is not None:
        facts.append(f"prompts reach {seen.prompts_cosine:.3f}")
    if seen.pictures is not None:
        facts.append(str(seen.pictures))
    return ", ".join(facts)


def _judges(pairs: Pairs, device: str, *, needed: bool) -> tuple[Generator, Embedder] | None:
    """The parts that made the pairs, to judge the prior with; not having them is no error."""
    from c2l.loading import load_embedder, load_generator
    from c2l.pairs import references_of

    generator, embedder = references_of(pairs.folder, pairs.manifest)
    try:
        return load_generator(generator, device=device), load_embedder(embedder, device=device)
    except C2LError as error:
        if needed:
            raise
        output.warn(f"no pictures are drawn to judge the prior: {error.message}")
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


def _say(report: TrainingReport) -> None:
    output.talk(
        f"{report.kind}, {report.num_parameters:,} parameters, in {report.path} "
        f"after {duration(report.seconds)}"
    )
    best = report.training.get("best_step")
    if best is not None and report.training["steps_done"] < report.training["steps"]:
        output.talk(f"stopped early: nothing was better than step {best:,}, which is kept")
    output.talk(report.verdict)
