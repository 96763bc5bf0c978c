"""Classes of the user's own as kinds: in a notebook, a script, or a loose file."""

from __future__ import annotations

import inspect
from typing import Any, TypeVar

from c2l.embedder import Embedder
from c2l.errors import BadInput
from c2l.generator import Generator
from c2l.plugins import registry
from c2l.prior import Prior
from c2l_registry import Interface
from c2l_registry.loose import spec_of_class

Class = TypeVar("Class", bound=type[Any])


def register_generator(cls: Class, *, kind: str = "") -> Class:
    """Make a class of generators available as a kind: ``my-gan:./weights.safetensors``.

    This applies to the current process. A class registered later under the same kind replaces it,
    so that a notebook cell may run again. Classes in a file that ``C2L_PLUGINS`` names are kinds
    everywhere. Also works as a decorator, ``@c2l.register_generator``.

    Args:
        cls: a subclass of ``c2l.Generator``.
        kind: the word before the colon; by default made from the name: ``MyGAN`` is ``my-gan``.
    Returns:
        The class itself.
    Raises:
        BadInput: it is not a generator, or the kind does not have the form of one.
        BadReference: the kind comes with c2l.
    """
    return _registered(cls, Generator, "generator", kind)


def register_embedder(cls: Class, *, kind: str = "") -> Class:
    """``register_generator``, for embedders."""
    return _registered(cls, Embedder, "embedder", kind)


def register_prior(cls: Class, *, kind: str = "") -> Class:
    """``register_generator``, for priors: ``c2l.train_prior`` takes the kind from then on."""
    return _registered(cls, Prior, "prior", kind)


def _registered(cls: Class, base: type[Any], interface: Interface, kind: str) -> Class:
    if not (isinstance(cls, type) and issubclass(cls, base)):
        raise BadInput(
            f"{getattr(cls, '__name__', repr(cls))} is not a subclass of c2l.{base.__name__}",
            hint=f"Derive it from c2l.{base.__name__}, or wrap a network with c2l.wrap",
        )
    if inspect.isabstract(cls):
        missing = ", ".join(sorted(cls.__abstractmethods__))
        raise BadInput(f"{cls.__name__} lacks {missing}", hint="Write them, then register it")
    try:
        spec = spec_of_class(cls, interface, kind)
    except ValueError as error:
        raise BadInput(str(error), hint="Choose another: kind=…", field="kind") from error
    registry().register(spec, cls)
    return cls
