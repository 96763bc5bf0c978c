"""Another front end over ``c2l.service``, in argparse: no rule of the product stands in it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from c2l.errors import C2LError
from c2l.service import DrawingInterrupted, Drawn, Session, draw_into, typed_request


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("prompt", nargs="?")
    parser.add_argument("--out", type=Path, default=Path("pictures"))
    parser.add_argument("--from", dest="from_file", type=Path)
    for name in ("also", "negative"):
        parser.add_argument(f"--{name}", action="append")
    for name in ("seeds", "recipe", "prior", "rank-by"):
        parser.add_argument(f"--{name}")
    for name in ("num-images", "steps", "best-of"):
        parser.add_argument(f"--{name}", type=int)
    for name in ("guidance", "adherence", "truncation"):
        parser.add_argument(f"--{name}", type=float)
    given = vars(parser.parse_args(arguments))
    out = given.pop("out")

    def show(drawn: Drawn) -> None:
        print(drawn.path)

    try:
        session = Session(tell=lambda notice: print(notice.text, file=sys.stderr))
        draw_into(session, typed_request(**given), out, on_picture=show)
    except C2LError as error:
        print(f"{error.field}: {error}", file=sys.stderr)
        return int(error.exit_code)
    except DrawingInterrupted as stop:
        print(stop, file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
