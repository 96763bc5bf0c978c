"""Options that several commands share, or that would clutter the command they belong to.

Each command's parameters are named as the fields that they fill (``c2l.cli.wording``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from c2l import service

Text: TypeAlias = str | None
Number: TypeAlias = int | None
Fraction: TypeAlias = float | None
File: TypeAlias = Path | None


def option(help: str, *flags: str, default: str | bool = True, metavar: str | None = None) -> Any:
    """An option: its help, its flags unless made from its name, and the default that help shows."""
    if isinstance(default, str):  # in words; Typer would put them into brackets of their own
        help, default = f"{help}  [default: {default}]", False
    return typer.Option(*flags, help=help, show_default=default, metavar=metavar)


def place(help: str, *flags: str, default: str | bool = True) -> Any:
    """An option for a path of this machine or an address of a store, which stays as it is typed."""
    return option(help, *flags, default=default, metavar="PLACE")


def _use_files(files: list[str]) -> None:
    if files:
        service.use_plugin_files(files)


PluginFiles = Annotated[
    list[str] | None,
    typer.Option(
        "--plugin",
        callback=_use_files,
        metavar="FILE",
        help="A .py file with your own parts; repeatable.",
    ),
]

# The parts of a recipe, replaced.
Generator = Annotated[Text, option("Use another generator.", "-g", "--generator")]
Embedder = Annotated[Text, option("Use another embedder.", "-e", "--embedder")]
Prior = Annotated[Text, option("Use another prior: a reference or a file.", "-p", "--prior")]

# How pictures are drawn.
Seeds = Annotated[Text, option("Seeds, as in 1-4 or 1,2,5-10, instead of --num.", default="random")]
NumImages = Annotated[int, option("Pictures for each prompt.", "--num", "-n")]
Adherence = Annotated[
    Fraction, option("How literally to take the prompt: 0 to 1.", default="prior's")
]
Truncation = Annotated[Fraction, option("Below 1: nearer to the mean picture.", default="recipe's")]
Class = Annotated[
    Text, option("Class to draw, by name or number.", "--class", default="the prompt chooses")
]
BestOf = Annotated[Text, option("Candidates for each picture, or auto.", default="recipe's or 1")]
RankBy = Annotated[Text, option("How to rank them: pictures or student.", default="pictures")]

# Where, whether, and in what form.
Device = Annotated[str, option("cpu, cuda, cuda:1, mps or auto.")]
Precision = Annotated[
    Text, option("float32, bf16, fp16, or auto for the fastest.", default="float32")
]
AcceptLicence = Annotated[
    bool, option("Accept the licences of downloaded weights.", "--accept-licence")
]
AcceptPrograms = Annotated[bool, option("Run files that are programs.", "--accept-programs")]
DryRun = Annotated[bool, option("Only say what would be downloaded.", "--dry-run")]
Json = Annotated[bool, option("Print JSON instead of a table.", "--json")]

# Pairs.
NumPairs = Annotated[
    Number, option("How many pairs.", "--num", "-n", default="the folder's, or 100000")
]
Groups = Annotated[Text, option("Mix latents: layers per code, as in 4,4,10.", default="one")]
FirstSeed = Annotated[Number, option("Seed of the first pair.", default="0")]
Classes = Annotated[
    list[str] | None,
    option("A class to draw, by name or number, or 151-268; repeatable.", "--class", default="all"),
]
ShardSize = Annotated[Number, option("Pairs in one file.", default="by picture size")]
PairsAtOnce = Annotated[Number, option("Pictures drawn at once.", default="by picture size")]
PairsPrecision = Annotated[
    Text, option("Precision of pictures and embeddings: float32, bf16 or fp16.", default="float32")
]
PairsLatents = Annotated[
    Text, option("Store latents in float32 or float16, or as seeds.", default="float32")
]
Workers = Annotated[Number, option("Number of processes.", default="one for each core of the CPU")]
Devices = Annotated[Text, option("Several devices: auto for all GPUs, or cuda:0,cuda:1.")]
Engine = Annotated[str, option("Where to draw: local, or ray for a cluster.")]
Shards = Annotated[Text, option("Draw only these shards, as in 0-99,120.", default="all")]
Rank = Annotated[Number, option("Draw the share of process R, counted from 0.", metavar="R")]
World = Annotated[Number, option("The number of processes for --rank.", metavar="N")]

# Training. None leaves a value to the run's file, and then to the run itself.
Kind = Annotated[
    Text,
    option("Kind of prior: see c2l models list --kind prior.", "-p", "--prior", default="flow"),
]
PairsGenerator = Annotated[Text, option("Generator to make pairs with.", "-g", "--generator")]
PairsEmbedder = Annotated[Text, option("Embedder to make pairs with.", "-e", "--embedder")]
PairsFolder = Annotated[Text, place("Folder of pairs; with -g and -e, they are made there first.")]
Domain = Annotated[
    Text,
    option(
        "What people will ask for: faces, landscapes, animals, general, or a text file of prompts.",
        default="by the generator's name",
    ),
]
TrainSteps = Annotated[
    Number, option("Maximum number of training steps.", default="by number of pairs")
]
TrainBatch = Annotated[Number, option("Pairs per step.", default="256, on a GPU 1024")]
LearningRate = Annotated[Fraction, option("Highest learning rate.", default="0.001")]
Patience = Annotated[
    Number, option("Stop after this many validations without improvement.", default="5")
]
Settings = Annotated[
    list[str] | None, option("A setting of the prior, as in hidden=512; repeatable.", "--set")
]
TrainSeed = Annotated[Number, option("Seed of initial weights, batches and noise.", default="0")]
Student = Annotated[
    bool | None,
    option(
        "Also train a student, which ranks without drawing.",
        "--student/--no-student",
        default="student",
    ),
]
Half = Annotated[bool | None, option("Store the weights in float16.", "--half/--no-half")]
TrainDevice = Annotated[Text, option("cpu, cuda, cuda:1, mps or auto.", default="auto")]
Processes = Annotated[Number, option("Processes that share the work.", default="one")]
MicroBatches = Annotated[
    Number, option("Parts of a batch, for processes to share.", default="1, with processes 8")
]
Fast = Annotated[
    bool | None,
    option("Sum gradients the fastest way, not bit for bit.", "--fast/--exact", default="exact"),
]
TensorBoard = Annotated[File, option("Folder for TensorBoard logs.")]

# Evaluation.
EvalOut = Annotated[Text, place("Folder for the results.", "--out", "-o", default="evaluation")]
Prompts = Annotated[
    File, option("A text file with one prompt per line.", default="the recipe's judge")
]
GuidanceSweep = Annotated[Text, option("Values to sweep: 1,1.5,2.", default="prior's")]
StepsSweep = Annotated[Text, option("Values to sweep: 4,8,32.", default="prior's")]
Independent = Annotated[Text, option("Another embedder, not used by the recipe, to score with.")]
NumReference = Annotated[
    int, option("Random pictures of the generator to compare with.", "--reference")
]
