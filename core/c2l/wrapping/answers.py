"""What callables answer, as tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from c2l.errors import C2LError, as_out_of_memory
from c2l.guard import failure, one_line
from c2l_registry.wording import a_type_of


def ask(cls: type[Any], method: str, function: Callable[[Any], Any], given: Any, hint: str) -> Any:
    """What a function answers.

    Raises:
        PluginFailed: it fails; ``hint`` says what it is given.
    """
    try:
        return function(given)
    except C2LError:
        raise
    except Exception as error:
        if as_out_of_memory(error):
            raise  # the guard knows the way out
        on = f" on a tensor of shape {tuple(given.shape)}" if isinstance(given, Tensor) else ""
        raise failure(cls, method, f"fails{on}: {one_line(error)}", hint=hint) from error


def the_tensor(cls: type[Any], method: str, answer: Any, ranks: tuple[int, ...]) -> Tensor:
    """The one tensor of these ranks in an answer: itself, or in a tuple, table or object.

    Raises:
        PluginFailed: there is none, or there are several.
    """
    found = [tensor for tensor in _tensors(answer) if tensor.ndim in ranks]
    if len(found) == 1:
        return found[0]
    axes = " or ".join(map(str, ranks))
    if isinstance(answer, Tensor):
        what = f"a tensor of shape {tuple(answer.shape)}"
    else:
        what = f"{a_type_of(answer)} with {len(found) or 'no'} tensors of {axes} axes"
    raise failure(
        cls,
        method,
        f"gives {what}, not one tensor of {axes} axes",
        hint="Wrap a function that returns the one that is meant",
    )


def _tensors(answer: Any) -> Iterator[Tensor]:
    if isinstance(answer, Tensor):
        yield answer
    elif isinstance(answer, np.ndarray):
        yield torch.from_numpy(answer)
    elif isinstance(answer, Mapping):
        yield from (tensor for item in answer.values() for tensor in _tensors(item))
    elif isinstance(answer, (tuple, list)):
        yield from (tensor for item in answer for tensor in _tensors(item))
    else:
        yield from (v for v in getattr(answer, "__dict__", {}).values() if isinstance(v, Tensor))
