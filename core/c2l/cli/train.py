"""``c2l train``: pairs to a prior; or a generator and an embedder to a prior in one go."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from c2l import service
from c2l.cli import options, output
from c2l.cli.commands import fields_of, typed_flags
from c2l.cli.fetching import downloads, questions
from c2l.cli.progress import Update, duration, progress

EXAMPLES = """
c2l train --pairs faces-pairs --prior flow --out faces.safetensors
c2l train -g stylegan:demo-faces -e openclip:demo --num 20000 --out faces.safetensors
c2l train run.toml --steps 2000
c2l train --pairs faces-pairs --out faces.safetensors --processes 2
"""


def train(
    context: typer.Context,
    run_file: Annotated[
        Path | None,
        typer.Argument(metavar="RUN.toml", help="A run in TOML; options override it."),
    ] = None,
    out: Annotated[str | None, options.place("The prior's file.", "--out", "-o")] = None,
    prior: options.Kind = None,
    pairs: options.PairsFolder = None,
    generator: options.PairsGenerator = None,
    embedder: options.PairsEmbedder = None,
    num: options.NumPairs = None,
    groups: options.Groups = None,
    class_labels: options.Classes = None,
    domain: options.Domain = None,
    steps: options.TrainSteps = None,
    batch_size: options.TrainBatch = None,
    learning_rate: options.LearningRate = None,
    patience: options.Patience = None,
    settings: options.Settings = None,
    seed: options.TrainSeed = None,
    student: options.Student = None,
    half: options.Half = None,
    device: options.TrainDevice = None,
    tensorboard: options.TensorBoard = None,
    processes: options.Processes = None,
    micro_batches: options.MicroBatches = None,
    fast: options.Fast = None,
    accept_licence: options.AcceptLicence = False,
    accept_programs: options.AcceptPrograms = False,
    as_json: Annotated[bool, options.option("Print the report as JSON.", "--json")] = False,
) -> None:
    """Train a prior on pairs.

    Sizes and steps follow from the number of pairs. Training ends when it stops improving, and
    reports scores. If interrupted, run the same command again to resume; the file is the same.
    """
    run = service.read_run(run_file, **fields_of(context, "run_file"))
    flags = {"--accept-licence", "--accept-programs", "--json"} & typed_flags(context)
    code = service.launch_training(run, sorted(flags), output.say)
    if code is not None:
        raise typer.Exit(code)
    if service.speaks():
        output.warn_of_problems()
    making, training = progress("making pairs", "pairs"), progress(f"training {run.prior}", "steps")
    with downloads() as on_download, making as on_pairs, training as on_steps:
        callbacks = service.TrainingCallbacks(
            ask=questions(accept_licence, accept_programs),
            tell=output.say,
            on_download=on_download,
            on_pairs=on_pairs,
            on_training=lambda state: _show(state, on_steps),
        )
        report = service.run_training(run, callbacks)
    if report is not None:
        _tell(report, as_json)


def _tell(report: service.TrainingReport, as_json: bool) -> None:
    if as_json:
        output.data(json.dumps(report.to_dict()))
        return
    size, took = f"{report.num_parameters:,} parameters", duration(report.seconds)
    use = f'Draw with it: c2l sample "…" --prior {report.reference}'
    output.talk(f"{report.kind}, {size}, in {report.path} after {took}. {use}")
    if report.stopped_early:
        output.talk(f"stopped early; the best, step {report.training['best_step']:,}, is kept")
    for line in filter(None, (report.choice, report.verdict)):
        output.talk(line)


def _show(state: service.TrainingProgress, update: Update) -> None:
    rate = "" if state.rate is None else f"{state.rate:,.0f} pairs/s on each device"
    loss = "" if state.loss is None else f"loss {state.loss:.4f}"
    update(state.step, state.steps, ", ".join(filter(None, (loss, rate))))
    if state.validation is not None:
        output.talk(f"step {state.step:,} of {state.steps:,}, {state.validation}")
