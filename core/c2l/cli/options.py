"""Options that commands share, or that would hide what a command does among their declarations.

Each command's parameters are named as the fields that they fill (``c2l.cli.wording``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def option(help: str, *flags: str, default: str | bool = True) -> Any:
    """An option: its help, its flags if not made from its name, and what stands for no value."""
    return typer.Option(*flags, help=help, show_default=default)


# The parts of a recipe, replaced.
Generator = Annotated[str | None, option("Another generator.", "-g", "--generator")]
Embedder = Annotated[str | None, option("Another embedder.", "-e", "--embedder")]
Prior = Annotated[str | None, option("Another prior: a reference or a file.", "-p", "--prior")]

# How pictures are drawn.
NumImages = Annotated[int, option("Pictures of each prompt.", "--num", "-n")]
Adherence = Annotated[
    float | None,
    option("How literally to take the prompt: 0 loosely, 1 to the letter.", default="prior's"),
]
Truncation = Annotated[
    float | None, option("Below 1: nearer to the mean picture.", default="recipe's")
]
BestOf = Annotated[
    int | None,
    option("Candidates for each picture; the embedder picks.", default="recipe's or 1"),
]
RankBy = Annotated[
    str | None,
    option("What ranks them: pictures, or student to render only a few.", default="pictures"),
]

# Where, whether, and in what form.
Device = Annotated[str, option("cpu, cuda, cuda:1, mps or auto.")]
Precision = Annotated[
    str | None,
    option("float32, bf16 or fp16: faster on devices with units for it.", default="float32"),
]
AcceptLicence = Annotated[
    bool, option("Accept the licences of what is fetched.", "--accept-licence")
]
DryRun = Annotated[bool, option("Only say what would be fetched.", "--dry-run")]
Json = Annotated[bool, option("Print JSON instead of a table.", "--json")]

# Pairs.
NumPairs = Annotated[
    int | None, option("How many pairs.", "--num", "-n", default="the folder's, or 100000")
]
Groups = Annotated[
    str | None,
    option("Mix latents: layers for each code, as in 4,4,10.", default="one code for all layers"),
]
ShardSize = Annotated[int | None, option("Pairs in one file.", default="by picture size")]
PairsAtOnce = Annotated[int | None, option("Pictures drawn at once.", default="by picture size")]
Workers = Annotated[
    int | None, option("Processes that draw.", default="the CPU's cores, one on a GPU")
]

# Training. None leaves a value to the run's file, and then to the run itself.
Kind = Annotated[
    str | None, option("Kind: see c2l models list --kind prior.", "-p", "--prior", default="flow")
]
PairsFolder = Annotated[
    Path | None, option("Folder of pairs; with -g and -e they are made there first.")
]
Domain = Annotated[
    str | None,
    option(
        "What people ask of the generator: faces, landscapes, animals, general, or a text file.",
        default="by the generator's name",
    ),
]
TrainSteps = Annotated[int | None, option("Training steps at most.", default="by number of pairs")]
TrainBatch = Annotated[int | None, option("Pairs in a step.", default="256, on a GPU 1024")]
LearningRate = Annotated[float | None, option("Highest learning rate.", default="0.001")]
Patience = Annotated[
    int | None, option("Stop after so many validations without a gain.", default="5")
]
Settings = Annotated[
    list[str] | None, option("A setting of the prior, as in hidden=512; repeatable.", "--set")
]
TrainSeed = Annotated[int | None, option("Of first weights, batches and noise.", default="0")]
Student = Annotated[
    bool | None,
    option("Also learn to rank without drawing.", "--student/--no-student", default="student"),
]
Half = Annotated[bool | None, option("Store the weights in float16.", "--half/--no-half")]
TrainDevice = Annotated[str | None, option("cpu, cuda, cuda:1, mps or auto.", default="auto")]
TensorBoard = Annotated[Path | None, option("Folder for TensorBoard, besides OUT.log.jsonl.")]

# Evaluation.
EvalOut = Annotated[Path | None, option("Folder.", "--out", "-o", default="evaluation")]
Prompts = Annotated[
    Path | None, option("A text file, one prompt a line.", default="the recipe's judge")
]
GuidanceSweep = Annotated[str | None, option("Values to sweep: 1,1.5,2.", default="prior's")]
StepsSweep = Annotated[str | None, option("Values to sweep: 4,8,32.", default="prior's")]
Independent = Annotated[
    str | None, option("An embedder that had no part in the recipe, to score by.")
]
NumReference = Annotated[
    int, option("Pictures of the generator's own to compare with.", "--reference")
]
