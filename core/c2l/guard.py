"""The boundary to third-party code: its faults are reported as its own.

Third-party generators, embedders and priors should not fail as if c2l had failed, nor silently. So
every part that c2l works with, loaded or given live, is *watched*:

- what its methods raise becomes a ``PluginFailed`` that names plugin, package, version and method;
  a ``C2LError`` passes, since a plugin raises it to say what the user can do, and ``os._exit``
  raises as well;
- the first answer of each method is looked at; see ``c2l.looks``.

``Part`` has the methods of its subclasses pass through here when a class is defined, so a watched
part is an instance of its own class, with its own attributes and gradients. Parts that nobody
watches, such as those in tests of a plugin, and the bundled ones, pay for one look-up.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor

from c2l.errors import BadWeights, C2LError, PluginFailed, as_out_of_memory
from c2l.exits import exits_raise
from c2l.plugins import registry
from c2l_registry.kinds import WRAPPED

Look = Callable[[Any, Any, Any], str]
"""Part, answer and first argument of a method to what is wrong with the answer, or an empty text:
the end of a sentence that begins with the method, as in ``gives a list, not a tensor``."""

AnyPart = TypeVar("AnyPart")

_WATCHED = "_first_looks"


def watch(part: AnyPart) -> AnyPart:
    """Guard a part from now on, if its class does not come with c2l. Returns the same part.

    Raises:
        PluginFailed: what should be a property is an attribute, and wrong.
    """
    cls = type(part)
    if is_foreign(cls) and _WATCHED not in part.__dict__:
        part.__dict__[_WATCHED] = set()
        for name, look in getattr(cls, "_looks", {}).items():
            value = getattr(cls, name, None)
            computed = callable(value) or isinstance(value, (property, functools.cached_property))
            wrong = "" if look is None or computed else look(part, value, None)
            if wrong:
                raise failure(cls, name, wrong)
    return part


def is_foreign(cls: type[Any]) -> bool:
    """Whether a class is somebody else's: of a plugin that is not bundled, or of the user."""
    return cls.__module__.partition(".")[0] not in _own_packages()


@functools.cache
def _own_packages() -> frozenset[str]:
    bundled = [record.module for record in registry().plugins() if record.bundled]
    return frozenset({"c2l", *(module.partition(".")[0] for module in bundled)})


def failure(cls: type[Any], method: str, what: str, *, hint: str = "") -> PluginFailed:
    """The error that says what a method of somebody else's class does wrong.

    Args:
        what: the end of the sentence that begins with the method.
    """
    owner = registry().owner(cls)
    if cls.__module__ == WRAPPED:
        who, by = f"{cls.reference}: its {method}", "Correct what is wrapped"
    elif owner is None:
        who, by = f"the class {cls.__name__} of {cls.__module__}: its {method}", "Correct it"
    else:
        who = f"plugin {owner}: {cls.__name__}.{method}"
        by = f"Report it to the authors of {owner.dist}"
    return PluginFailed(f"{who} {what}", hint=hint or by)


@contextmanager
def blaming(cls: type[Any], method: str) -> Iterator[None]:
    """Report what is raised inside, except a ``C2LError``, as a failure of a foreign class."""
    if not is_foreign(cls):
        yield
        return
    with _failing(cls, method):
        yield


@contextmanager
def _failing(cls: type[Any], method: str) -> Iterator[None]:
    try:
        with exits_raise():
            yield
    except C2LError:
        raise
    except (Exception, SystemExit) as error:
        raise _failed(cls, method, error) from error


def _failed(cls: type[Any], method: str, error: BaseException) -> PluginFailed:
    return failure(cls, method, f"fails: {one_line(error)}", hint=_way_out(error))


def nonfinite(part: Any, role: str, method: str) -> C2LError:
    """The error that says which part gave NaN or infinity, later than in its first answer."""
    if is_foreign(type(part)):
        return failure(type(part), method, "gives NaN or infinity")
    return BadWeights(
        f"the {role} {part.reference} gives NaN or infinity",
        hint='Try `device="cpu"` or `precision="float32"`, or fetch its weights again',
    )


def guard_methods(cls: type[Any], looks: Mapping[str, Look | None]) -> None:
    """Have methods and properties that a class defines pass through the guard.

    Args:
        looks: by name, how the first answer is looked at; None for not at all.
    """
    for name, look in looks.items():
        member = vars(cls).get(name)
        if member is None or getattr(member, "__isabstractmethod__", False):
            continue
        if isinstance(member, property) and member.fget is not None:
            setattr(cls, name, member.getter(_guarded(member.fget, name, look)))
        elif isinstance(member, functools.cached_property):
            member.func = _guarded(member.func, name, look)
        elif callable(member):
            setattr(cls, name, _guarded(member, name, look))


def _guarded(method: Callable[..., Any], name: str, look: Look | None) -> Callable[..., Any]:
    @functools.wraps(method)
    def guarded(self: Any, *args: Any, **keywords: Any) -> Any:
        looked = self.__dict__.get(_WATCHED)
        # What a subclass calls through super() is its own affair.
        if looked is None or not _is_outermost(type(self), name, guarded):
            return method(self, *args, **keywords)
        with _failing(type(self), name):
            if look is None or name in looked:
                return method(self, *args, **keywords)
            looked.add(name)  # first, since a look may call the method
            return _looked_at(method, name, look, self, args, keywords)

    return guarded


def _looked_at(
    method: Callable[..., Any], name: str, look: Look, part: Any, args: Any, keywords: Any
) -> Any:
    """The answer, which is right, and has left what it was given as it was."""
    given = args[0] if args else next(iter(keywords.values()), None)
    kept = given.clone() if isinstance(given, Tensor) else None
    answer = method(part, *args, **keywords)
    with torch.no_grad():
        wrong = look(part, answer, given)
    if not wrong and kept is not None and not _same(given, kept):
        wrong = "writes to the tensor that it is given"
    if wrong:
        part.__dict__[_WATCHED].discard(name)
        raise failure(type(part), name, wrong)
    return answer


def _is_outermost(cls: type[Any], name: str, guarded: Callable[..., Any]) -> bool:
    """Whether this is the method that the class itself has by that name."""
    found = getattr(cls, name, None)
    inner = getattr(found, "fget", None) or getattr(found, "func", None)  # of a property
    return guarded in (found, inner)


def _same(tensor: Any, kept: Tensor) -> bool:
    return torch.equal(torch.nan_to_num(tensor), torch.nan_to_num(kept))


def one_line(error: BaseException) -> str:
    """``RuntimeError: the first line of its text``."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    name = type(error).__name__
    return f"{name}: {lines[0]}" if lines else name


def _way_out(error: BaseException) -> str:
    if as_out_of_memory(error):
        return 'Use a smaller `batch_size`, or `device="cpu"`'
    return ""
