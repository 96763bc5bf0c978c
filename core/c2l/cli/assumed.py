"""What reading somebody else's file assumed, printed as all warnings of the command are."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from c2l.cli.output import warn
from c2l.errors import Assumed


@contextmanager
def saying_what_is_assumed() -> Iterator[None]:
    """Prints each such warning in one line, without Python's place in the code."""
    with warnings.catch_warnings():
        as_usual = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any) -> None:
            if issubclass(category, Assumed):
                warn(str(message))
            else:
                as_usual(message, category, *place)

        warnings.simplefilter("always", Assumed)
        warnings.showwarning = show  # type: ignore[assignment]
        yield
