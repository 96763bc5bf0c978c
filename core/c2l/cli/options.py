"""Options that several commands share: one name, one meaning and one help text for each.

What is asked for under the same name but means something else, such as ``c2l train --prior``, is
declared by its command.
"""

from __future__ import annotations

from typing import Annotated

import typer

DEVICES = "cpu, cuda, cuda:1, mps or auto."

# The parts of a recipe, replaced.
Generator = Annotated[str | None, typer.Option("-g", "--generator", help="Another generator.")]
Embedder = Annotated[str | None, typer.Option("-e", "--embedder", help="Another embedder.")]
Prior = Annotated[
    str | None,
    typer.Option("-p", "--prior", help="Another prior: a reference or the path of its file."),
]

# How pairs are drawn.
Groups = Annotated[
    str | None,
    typer.Option(
        help="Mix latents: layers for each code, from the coarsest, as in 4,4,10.",
        show_default="one code for all layers",
    ),
]

# How pictures are drawn.
NumImages = Annotated[int, typer.Option("--num", "-n", help="Pictures of each prompt.")]
Adherence = Annotated[
    float | None,
    typer.Option(
        help="How literally to take the prompt: 0 loosely, more variety; 1 to the letter.",
        show_default="prior's",
    ),
]
Truncation = Annotated[
    float | None, typer.Option(help="Below 1: nearer to the mean picture.", show_default="recipe's")
]
BestOf = Annotated[
    int | None,
    typer.Option(
        help="Candidates for each picture; the embedder picks.", show_default="recipe's or 1"
    ),
]
RankBy = Annotated[
    str | None,
    typer.Option(
        help="What ranks them: pictures; or student, which guesses and has only a few rendered.",
        show_default="pictures",
    ),
]

# Where, whether, and in what form.
Device = Annotated[str, typer.Option(help=DEVICES)]
Precision = Annotated[
    str | None,
    typer.Option(
        help="float32, bf16 or fp16: faster on devices with units for it, and rougher.",
        show_default="float32",
    ),
]
AcceptLicence = Annotated[
    bool, typer.Option("--accept-licence", help="Say yes to the licences of what is fetched.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be fetched.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
