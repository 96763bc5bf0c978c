"""Draws the pictures of README and docs with the tool itself: ``python docs/make_pictures.py``."""

from __future__ import annotations

import contextlib
import re
import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

import c2l
from c2l.cli.app import main as run
from c2l_demo.worlds import FACES
from c2l_demo_workshop.dataset import SPLITS, draw_scene

PAGE = Path(__file__).absolute().parent / "editing.md"
OUT = Path(__file__).absolute().parent / "pictures"
SIDE, GAP, LABEL = 128, 6, 26

# The prompts of the article that started this, step by step.
LADDER = [
    ("demo-faces", "a young woman with ear rings"),
    ("demo-faces", "a young blonde woman with ear rings"),
    ("demo-faces", "a young blonde woman with eyeglasses and ear rings"),
    ("demo-faces", "a middle aged man with a beard and a happy expression by the sea"),
    ("demo-faces", "a man with large sunglasses and a sad expression by the forest"),
    ("demo-landscapes", "tropical beach"),
    ("demo-landscapes", "sun setting over the mountain"),
    ("demo-landscapes", "green hill under a blue sky"),
]
README = [
    ("demo-faces", "a young blonde woman with eyeglasses and ear rings"),
    ("demo-faces", "a grinning kid with a red cap in the city"),
    ("demo-landscapes", "sun setting over the mountain"),
    ("demo-landscapes", "a snowy forest at night with a full moon"),
]
NUM = 6


def rows(asked: Sequence[tuple[str, str]]) -> Image.Image:
    """One row of pictures for each prompt, with the prompt above it; seeds 1 to NUM."""
    pipelines = {name: c2l.load_pipeline(name) for name in dict(asked)}
    height = LABEL + SIDE + GAP
    sheet = Image.new("RGB", (NUM * (SIDE + GAP) - GAP, len(asked) * height - GAP), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=15)
    for row, (recipe, prompt) in enumerate(asked):
        pen.text((2, row * height + 4), f"“{prompt}”", fill="#222222", font=font)
        result = pipelines[recipe](prompt, seeds=range(1, NUM + 1))
        for column, image in enumerate(result.pil()):
            sheet.paste(image, (column * (SIDE + GAP), row * height + LABEL))
    return sheet


def sheets() -> None:
    """The pictures of editing.md: each is the contact sheet of the command above it, or its video.

    ``photo.jpg`` is a drawing of the world that the demo learnt, which its generator never made.
    """
    shown = re.compile(r"^```bash\nc2l (.*)\n```\n\n!\[.*\]\(pictures/(.*)\)$", re.M)
    for command, name in shown.findall(PAGE.read_text(encoding="utf-8")):
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            FACES.render(draw_scene(FACES, SPLITS["test"], 4), 256).save("photo.jpg", quality=90)
            assert run(shlex.split(command)) == 0
            found = [*Path("pictures").glob("*-sheet.png"), *Path().glob("*.webp")]
            (made,) = found
            if made.suffix == ".webp":
                (OUT / name).write_bytes(made.read_bytes())
            else:
                Image.open(made).save(OUT / name, optimize=True)


def main() -> None:
    OUT.mkdir(exist_ok=True)
    rows(README).save(OUT / "readme.png", optimize=True)
    rows(LADDER).save(OUT / "ladder.png", optimize=True)
    sheets()


if __name__ == "__main__":
    main()
