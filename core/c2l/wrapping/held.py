"""What a callable holds: the networks, tensors, numbers and code that decide what it gives.

A function may find its network anywhere: in a closure, a global name, a default, the object whose
method it is. All of it counts in the fingerprint, and networks and tensors move with the part.
"""

from __future__ import annotations

import ast
import dis
import functools
import hashlib
import inspect
import re
import sys
import sysconfig
import textwrap
import tokenize
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from c2l_registry.wording import a_type_of

_PLAIN = (type(None), bool, int, float, complex, str, bytes, torch.dtype, torch.device, torch.Size)
_DEEPEST = 8
_PYTHON = sysconfig.get_path("stdlib")


class Held(nn.Module):
    """The networks and tensors of callables as submodules and buffers, in eval mode and frozen.

    They are the caller's own objects, not copies.

    Args:
        callables: by name.
    """

    def __init__(self, **callables: Callable[..., Any]) -> None:
        super().__init__()
        self._facts: list[str] = []
        self._seen: dict[int, Any] = {}  # kept alive, so that no id is used twice
        self._unseen: list[str] = []
        for name, value in callables.items():
            self._hold(name, value)
        self.code = hashlib.sha256("\n".join(self._facts).encode()).hexdigest()[:16]
        """A digest of all that is neither in the networks' weights nor in the tensors."""
        self.unseen = tuple(self._unseen)
        """Names of what cannot be looked into, such as objects of other runtimes."""
        del self._facts, self._seen, self._unseen
        for tensor in self._buffers.values():
            if tensor is not None and tensor.is_leaf:
                tensor.requires_grad_(False)
        self.eval().requires_grad_(False)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Held:
        """Moves tensors in place, since the callables hold them, not this module."""
        with torch.no_grad():
            for tensor in self._buffers.values():
                if tensor is not None:
                    tensor.data = fn(tensor.data)
        for child in self.children():
            child._apply(fn)  # type: ignore[no-untyped-call]
        return self

    def _hold(self, name: str, value: Any, depth: int = 0) -> None:
        if isinstance(value, types.ModuleType):
            return
        if isinstance(value, _PLAIN):
            self._facts.append(f"{name} = {value!r}")
            return
        if id(value) in self._seen:
            return
        self._seen[id(value)] = value
        if depth > _DEEPEST:
            self._unseen.append(name)
        elif isinstance(value, nn.Module):
            self.add_module(self._free(name), value)
            self._facts += _structure(name, value)
            for inner, module in value.named_modules():
                for attribute, item in _own_attributes(module):
                    self._hold(f"{name}.{inner}.{attribute}", item, depth + 1)
        elif isinstance(value, Tensor):
            self.register_buffer(self._free(name), value)
        elif isinstance(value, np.ndarray):
            digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
            self._facts.append(f"{name} = {value.dtype} {value.shape} {digest}")
        else:
            for part, item in self._parts(name, value):
                self._hold(f"{name}.{part}", item, depth + 1)

    def _parts(self, name: str, value: Any) -> Iterator[tuple[Any, Any]]:
        """What a value is made of, by name; what is no value goes into the facts."""
        if isinstance(value, functools.partial):
            yield from [("func", value.func), ("args", value.args), ("keywords", value.keywords)]
        elif isinstance(value, types.MethodType):
            yield "self", value.__self__
            self._facts.append(f"{name} is {value.__func__.__qualname__}")
        elif isinstance(value, types.FunctionType):
            yield from self._parts_of_function(name, value)
        elif isinstance(value, dict):
            yield from value.items()
        elif isinstance(value, (list, tuple)):
            yield from enumerate(value)
        elif isinstance(value, (set, frozenset)):
            yield from enumerate(sorted(value, key=repr))
        elif isinstance(value, (type, types.BuiltinFunctionType)):
            self._facts.append(f"{name} is {value.__qualname__}")
        else:
            self._facts.append(f"{name} is a {type(value).__qualname__}")
            inside = getattr(value, "__dict__", {})
            if _is_of_library(type(value)):  # a pipeline, a session, a logger: only its networks
                inside = {k: v for k, v in inside.items() if isinstance(v, (nn.Module, Tensor))}
                if not inside:
                    self._unseen.append(f"{name}, {a_type_of(value)}")
            yield from inside.items()

    def _parts_of_function(
        self, name: str, function: types.FunctionType
    ) -> Iterator[tuple[str, Any]]:
        if _is_of_library(function):  # its name is enough, and what it decorates
            self._facts.append(f"{name} is {function.__module__}.{function.__qualname__}")
            yield from [("wrapped", f) for f in [getattr(function, "__wrapped__", None)] if f]
            return
        self._facts.append(f"{name} is {_code(function)}")
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        for variable, cell in cells:
            try:
                yield variable, cell.cell_contents
            except ValueError:  # empty: defined later, or never
                continue
        yield "defaults", (function.__defaults__, function.__kwdefaults__)
        for variable in sorted(set(_globals(function.__code__))):
            if variable in function.__globals__:
                yield variable, function.__globals__[variable]

    def _free(self, name: str) -> str:
        """A name for a submodule or buffer."""
        free = name = re.sub(r"\W+", "_", name)
        while free in self._modules or free in self._buffers:
            free += "_"
        return free


def _structure(name: str, network: nn.Module) -> Iterator[str]:
    """The classes of a network's modules; those of torch also say how they are set up."""
    for inner, module in network.named_modules():
        kind = type(module)
        setup = module.extra_repr() if _is_of_torch(kind) else ""
        yield f"{name}.{inner}: {kind.__qualname__}({setup})"


def _own_attributes(module: nn.Module) -> Iterator[tuple[str, Any]]:
    """Numbers, tensors and functions that are plain attributes of a module."""
    if _is_of_torch(type(module)):
        return
    wanted = (*_PLAIN, Tensor, np.ndarray, tuple, list, types.FunctionType, functools.partial)
    for name, value in sorted(vars(module).items()):
        if not name.startswith("_") and name != "training" and isinstance(value, wanted):
            yield name, value


def _is_of_torch(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == "torch"


def _is_of_library(definition: type | types.FunctionType) -> bool:
    """Whether a class or function is Python's own or of an installed package."""
    if isinstance(definition, types.FunctionType):
        file = definition.__code__.co_filename  # a decorated function says another module
    elif definition.__module__ in ("__main__", None):
        return False
    else:  # what has no file is built in
        file = getattr(sys.modules.get(definition.__module__), "__file__", None) or _PYTHON
    return file.startswith(_PYTHON) or "site-packages" in file or "dist-packages" in file


def _globals(code: types.CodeType) -> Iterator[str]:
    """Global names that a function uses, also within the functions inside it."""
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield step.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _globals(constant)


def _code(function: types.FunctionType) -> str:
    """The code of a function, as it would be written without comments.

    Without a source, or with two lambdas in one line, it is bytecode, which other versions of
    Python compile differently.
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)).strip().rstrip(","))
    except (OSError, TypeError, SyntaxError, tokenize.TokenError):
        return _bytecode(function.__code__)
    found = [
        node
        for node in ast.walk(tree)
        if getattr(node, "name", "<lambda>") == function.__name__
        and isinstance(node, (ast.FunctionDef, ast.Lambda))
    ]
    return ast.unparse(found[0]) if len(found) == 1 else _bytecode(function.__code__)


def _bytecode(code: types.CodeType) -> str:
    constants = [
        _bytecode(item) if isinstance(item, types.CodeType) else repr(item)
        for item in code.co_consts
    ]
    return f"{code.co_code.hex()} {code.co_names} {constants}"
