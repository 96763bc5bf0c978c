"""Edits as people type them: walks, mixes and neighbours of pictures, prompts and seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from c2l.editing.edit import Edit
from c2l.editing.layers import check_layers
from c2l.editing.walk import Spacing, why_no_way
from c2l.errors import BadInput
from c2l.sampling.operations import Operation
from c2l.sampling.operations import Path as Way
from c2l.service.edit_ends import Ends
from c2l.service.notices import Notice
from c2l.service.session import Session


@dataclass(frozen=True)
class TypedEdit:
    """Pictures to be drawn.

    Args:
        before: what a contact sheet shows beside them: each of these pictures before those that
            were made of it, an equal share.
        together: all of these pictures before all others instead.
        chosen_seed: of its prompts, if nobody named one.
    """

    edit: Edit
    before: Edit | None = None
    together: bool = False
    chosen_seed: int | None = None

    @property
    def groups(self) -> Sequence[Sequence[Operation]]:
        """The pictures that are shown before each share."""
        if self.before is None:
            return [()]
        shown = self.before.operations
        return [shown] if self.together else [(operation,) for operation in shown]


def typed_walk(
    session: Session,
    ends: Ends,
    *,
    frames: int,
    path: Way | None = None,
    loop: bool = False,
    spacing: Spacing | None = None,
) -> TypedEdit:
    """A walk through all ends.

    Args:
        frames, path, loop, spacing: as in ``Pipeline.walk``; None for its defaults.
    Raises:
        BadInput: as ``Pipeline.walk``.
    """
    given = {"path": path, "spacing": spacing}
    start = ends.edit()
    walk = ends.pipeline.walk(
        start.operations,
        frames=frames,
        loop=loop,
        truncation=start.truncation,
        **{name: value for name, value in given.items() if value is not None},
    )
    walk.name = ends.title
    if path is None:
        for why in dict.fromkeys(why_no_way(ends.pipeline, *way[:2]) for way in walk.ways):
            if why:
                text = f"walking by `path=slerp`: there is no way through the prior, since {why}"
                session.tell(Notice("path", text, "path"))
    return TypedEdit(walk, chosen_seed=ends.chosen_seed)


def typed_mix(
    session: Session, ends: Ends, *, layers: Sequence[str] | None, share: float | None = None
) -> TypedEdit:
    """The first of two ends with layers of the second, a picture for each list of layers.

    Args:
        layers: lists such as ``0-3,7`` or, with shares, ``0-3,7:0.5``; counted from 0.
        share: from 0 to 1, of layers that have none of their own; None for 1.
    Raises:
        BadInput: there are not two, or the generator does not have these layers.
    """
    start = ends.edit()
    if len(start) != 2:
        raise BadInput(
            f"a mix needs two pictures, not {len(start)}",
            hint="Give the one to begin with, and the one whose layers it takes",
            field="ends",
        )
    check_layers(ends.pipeline.generator, ())
    if not layers:
        num = ends.pipeline.generator.latent_space.num_layers
        raise BadInput(
            "say which layers to take",
            hint=f"Use `layers=0-{(num - 1) // 2}` for the coarse half of {num} layers, "
            f"0 to {num - 1}",
            field="layers",
        )
    base, other = start.operations
    first = ends.pipeline.edit(base)
    operations = [
        operation
        for text in layers
        for operation in first.mix(other, layers=text, share=share).operations
    ]
    title = f"{ends.title}-mixed"
    edit = Edit(ends.pipeline, operations, truncation=start.truncation, name=title)
    return TypedEdit(edit, start, together=True, chosen_seed=ends.chosen_seed)


def typed_vary(
    session: Session, ends: Ends, *, amount: float, num: int, seed: int | None = None
) -> TypedEdit:
    """Neighbours of each end.

    Args:
        seed: of the first neighbour; None for one above that of the picture.

    Raises:
        BadInput: an amount that is not from 0 to 1.
    """
    prior = ends.pipeline.prior
    if "near" not in prior.supported_options:
        kind = prior.reference.partition(":")[0]
        text = f"a {kind} prior cannot stay near a picture; going straight towards fresh samples"
        session.tell(Notice("path", text))
    start = ends.edit()
    varied = start.vary(amount, num=num, seed=seed)
    varied.name = f"{ends.title}-varied"
    return TypedEdit(varied, start, chosen_seed=ends.chosen_seed)
