"""What laws are given: a part, and the means to make it again, here and in another process."""

from __future__ import annotations

import tempfile
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from c2l.conformance import world
from c2l.conformance.describing import Described, describe_apart
from c2l.conformance.making import Maker
from c2l.conformance.twin import TWIN, Outcome, Question
from c2l.conformance.uses import answers_of, reloaded
from c2l.part import Part
from c2l.plugins import registry
from c2l.prior import Prior
from c2l_registry import Interface
from c2l_registry.plugins import PluginRecord

PartT = TypeVar("PartT", bound=Part)


class Subject(Generic[PartT]):
    """A generator or an embedder under check.

    Args:
        maker: makes one.
        interface: ``generator`` or ``embedder``.
        part: one that it has made already.
    """

    def __init__(self, maker: Maker, interface: Interface, part: PartT | None = None) -> None:
        self.maker = maker
        self.interface = interface
        self.name = maker.name
        self._described: Described | None = None
        if part is not None:
            self.part = part

    @cached_property
    def part(self) -> PartT:
        return self.another()

    def another(self) -> PartT:
        """The same part, made again."""
        part: PartT = self.maker()
        return part

    @property
    def stays_here(self) -> str:
        """Why no other process can make it; empty if one can."""
        return self.maker.stays_here

    @property
    def plugin(self) -> PluginRecord | None:
        """The installed plugin that offers it, if one does.

        A loose file is none: its classes stand in it, with all that they import.
        """
        kind = self.maker.kind
        if not kind or self.maker.stays_here:
            return None
        record = registry().owner_of_kind(kind)
        return None if record.file else record

    def description(self, *, again: bool = False) -> Described:
        """What describing its plugin took; measured once, unless it should be measured again."""
        assert self.plugin is not None
        if again or self._described is None:
            self._described = describe_apart(self.plugin)
        return self._described

    @cached_property
    def use_elsewhere(self) -> Outcome:
        """What a whole use comes to in another process."""
        return TWIN.ask(Question(self.maker, torch.get_num_threads()))

    def answers_elsewhere(self) -> Outcome:
        """What another process answers to the questions of ``answers_of``."""
        return self.use_elsewhere

    @cached_property
    def answers(self) -> dict[str, Tensor]:
        """What this process answers to them."""
        return answers_of(self.part)


class PriorSubject(Subject[Prior]):
    """A prior under check: its class, and one that is trained on the kit's world or was loaded.

    Args:
        maker: imports the class.
        settings: what a new one is built with, besides its widths.
        loader: loads a trained one; without it, one is trained.
        name: what the report calls it.
    """

    def __init__(
        self,
        maker: Maker,
        *,
        settings: dict[str, Any] | None = None,
        loader: Maker | None = None,
        name: str = "",
    ) -> None:
        super().__init__(maker, "prior")
        self.name = name or (loader or maker).name
        self._settings = settings
        self._loader = loader

    @cached_property
    def cls(self) -> type[Prior]:
        cls: type[Prior] = self.maker()
        return cls

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What a prior for the kit's world is built with."""
        if self._settings is not None:
            return {**self._settings, **world.WIDTHS}
        return {**self.cls.suggest_settings(world.NUM_PAIRS, **world.WIDTHS), **world.WIDTHS}

    def build(self) -> Prior:
        """A new, untrained one for the kit's world, which any other equals."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return self.cls(**self.settings)

    @cached_property
    def trained(self) -> Prior:
        """One that is trained on the kit's world."""
        return world.train(self.build())

    @cached_property
    def told(self) -> Prior:
        """The same with classes, for one that learns them."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            prior = self.cls(**self.settings, num_classes=world.NUM_CLASSES)
        return world.train(prior)

    @cached_property
    def part(self) -> Prior:
        return self._loader() if self._loader else self.trained

    def another(self) -> Prior:
        """The trained prior, read back from a file of its own."""
        with tempfile.TemporaryDirectory() as folder:
            return reloaded(self.part, Path(folder, "prior.safetensors"))

    @cached_property
    def use_elsewhere(self) -> Outcome:
        return TWIN.ask(Question(self.maker, torch.get_num_threads(), self._settings, train=True))

    def answers_elsewhere(self) -> Outcome:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "prior.safetensors")
            reloaded(self.part, path)
            return TWIN.ask(Question(self.maker, torch.get_num_threads(), file=path))
