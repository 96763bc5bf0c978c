"""Works as data, and the bench at which they are carried out."""

from __future__ import annotations

import abc
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from c2l import service
from c2l.service import Notice
from c2l.web.engine.engine import Answer, Progress

if TYPE_CHECKING:
    from c2l import Picture, Pipeline
    from c2l.service import DrawRequest, PlainPicture, Request, Session
    from c2l.web.settings import Limits


# What there is to draw does not matter: it says which parts draw.
_ANYTHING = service.DrawRequest(prompts=({"anything": 1.0},))


class Dropped(Exception):
    """Nobody waits for this work any more. The engine catches it."""


@dataclass
class Bench:
    """Where one work is carried out: in the worker's thread, with its own notices.

    Args:
        session: owns the pipelines; what it tells goes to this work alone.
        recipe, prior: of the work, looked up.
        device, precision: the server's.
        on_progress: told how far the work is.
        is_dropped: whether nobody waits for it any more.
    """

    session: Session
    recipe: str
    prior: str | None = None
    device: str = "auto"
    precision: str = "float32"
    on_progress: Callable[[Progress], None] = lambda progress: None
    is_dropped: Callable[[], bool] = lambda: False
    notices: list[Notice] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.session = self.session.telling(self.notices.append)

    @property
    def pipeline(self) -> Pipeline:
        """That of the work's recipe; all of its public methods may be used."""
        return self.session.pipeline(self.request(_ANYTHING))

    def load(self) -> None:
        """Bring ``pipeline`` into memory."""
        self.session.pipeline(self.request(_ANYTHING))

    @property
    def is_loaded(self) -> bool:
        """Whether ``pipeline`` is there at once."""
        return self.session.has(self.request(_ANYTHING))

    def request(self, asked: DrawRequest) -> Request:
        """What was asked for, with the parts and the device of this server."""
        parts: dict[str, Any] = {
            "recipe": self.recipe,
            "prior": self.prior,
            "device": self.device,
            "precision": self.precision,
        }
        given = {name: getattr(asked, name) for name in asked.model_fields_set}
        return service.Request(**given, **parts)

    def report(
        self, done: int, total: int, picture: PlainPicture | None = None, note: str = ""
    ) -> None:
        """Tell how far the work is. Call it at each picture or step.

        Raises:
            Dropped: nobody waits for it any more; let it pass.
        """
        if self.is_dropped():
            raise Dropped
        self.on_progress(Progress(done, total, picture, note))

    def drawn(self, pictures: Iterable[Picture], total: int) -> list[PlainPicture]:
        """Draw an edit or a walk, and tell how far it is. Raises ``Dropped``."""
        plain: list[PlainPicture] = []
        for picture in pictures:
            plain.append(service.PlainPicture.of(picture))
            self.report(len(plain), total, plain[-1])
        return plain

    def answer(self, pictures: Sequence[PlainPicture] = (), **values: Any) -> Answer:
        """The work's answer, with the notices so far."""
        notices = tuple(
            dict.fromkeys(n for n in self.notices if n.kind not in ("device", "precision"))
        )
        return Answer(tuple(pictures), notices, values)


@dataclass(frozen=True)
class Work(abc.ABC):
    """Something that a client asks for: plain values that can be pickled, checked when made.

    Subclasses are frozen dataclasses; they may lie beside the routes that make them::

        @dataclass(frozen=True)
        class Mixed(Work):
            base: Thing
            other: Thing
            layers: str

            def carry_out(self, bench: Bench) -> Answer:
                edit = bench.pipeline.edit(self.base).mix(self.other, layers=self.layers)
                return bench.answer(bench.drawn(edit, len(edit)))

    Args:
        recipe: one that the server offers; empty for its first.
        prior: another prior of the recipe that the server offers; empty for the recipe's own.
    """

    recipe: str = field(default="", kw_only=True)
    prior: str = field(default="", kw_only=True)

    @property
    def weight(self) -> int:
        """How many pictures it is, or takes as long as."""
        return 1

    @property
    def group(self) -> Hashable | None:
        """Works of one class and group are carried out together; None is carried out alone."""
        return None

    def pieces(self, most: int) -> Sequence[Work]:
        """The same work as several, of a weight of ``most`` each, so that others get their turn.

        Their answers are joined.
        """
        return (self,)

    def check(self, limits: Limits) -> None:  # noqa: B027
        """Refuse what is too much for one request. Raises ``BadInput``."""

    @abc.abstractmethod
    def carry_out(self, bench: Bench) -> Answer:
        """Carry it out, in the worker's thread. Call ``bench.report`` now and then."""

    @classmethod
    def carry_out_together(
        cls, works: Sequence[Self], benches: Sequence[Bench]
    ) -> Iterator[Answer]:
        """Carry out works of one group; their answers in order."""
        raise NotImplementedError
