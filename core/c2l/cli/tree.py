"""Every command by its name, and how help lists them."""

from __future__ import annotations

import typer

from c2l.cli import (
    check,
    compat,
    doctor,
    edit,
    eval,
    info,
    live,
    models,
    new,
    pairs,
    pairs_folders,
    pairs_submit,
    plugins,
    recipes,
    sample,
    serve,
    train,
)
from c2l.cli.commands import add, add_group, add_with_others

SECTIONS = {
    "Draw": "sample edit live serve info",
    "Train a prior for your own generator": "pairs train eval",
    "Models, recipes and plugins": "models recipes compat plugins check new doctor",
}
"""The commands by name, in the order in which help lists them."""


def add_all(app: typer.Typer) -> None:
    """Add the commands to the program."""
    add(app, "sample", sample.sample, sample.EXAMPLES)
    editing = "Edit pictures: walks, mixes, variations, directions."
    add_group(app, "edit", editing, edit.COMMANDS, edit.EXAMPLES)
    add(app, "info", info.info, info.EXAMPLES)
    below = {"submit": pairs_submit.submit, **pairs_folders.COMMANDS}
    add_with_others(app, "pairs", pairs.pairs, pairs.EXAMPLES, below)
    add(app, "train", train.train, train.EXAMPLES)
    add(app, "eval", eval.evaluate, eval.EXAMPLES)
    add(app, "check", check.check, check.EXAMPLES)
    add(app, "serve", serve.serve, serve.EXAMPLES)
    add(app, "live", live.live, live.EXAMPLES)
    add_group(app, "models", "Models for -g, -e and -p: list, download, inspect.", models.COMMANDS)
    add_group(
        app, "recipes", "Recipes: a generator, embedder and prior that fit.", recipes.COMMANDS
    )
    add_group(app, "plugins", "Plugins: list, install, disable, check.", plugins.COMMANDS)
    add_group(app, "new", "Start a plugin package of your own.", new.COMMANDS)
    add(app, "compat", compat.compat)
    add(app, "doctor", doctor.doctor)
