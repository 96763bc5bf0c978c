"""The recipes that a server offers. Clients name those, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from c2l import service
from c2l.errors import NotDownloaded, UnknownReference

if TYPE_CHECKING:
    from c2l.web.engine.work import Work

W = TypeVar("W", bound="Work")


@dataclass(frozen=True)
class Offered:
    """A recipe, as its card describes it.

    Args:
        name, summary: of the recipe.
        card: as in ``service.show_recipe``: parts, settings, prompts to try.
        priors: references that may stand for its prior, its own first.
        licences: of its parts, by reference.
    """

    name: str
    summary: str
    card: Mapping[str, object]
    priors: tuple[str, ...]
    licences: Mapping[str, str]


@dataclass(frozen=True)
class Offer:
    """What clients may name; the first recipe is the default."""

    recipes: Mapping[str, Offered]

    @property
    def default(self) -> str:
        """The recipe of those who name none."""
        return next(iter(self.recipes))

    def checked(self, work: W) -> W:
        """A work with its recipe named.

        Raises:
            UnknownReference: the server does not offer this recipe or prior.
        """
        name = work.recipe or self.default
        if name not in self.recipes:
            raise UnknownReference(
                f"there is no recipe '{name:.80}' here",
                hint=f"There is {', '.join(self.recipes)}",
                field="recipe",
            )
        if work.prior and work.prior not in self.recipes[name].priors:
            raise UnknownReference(
                f"the recipe {name} has no prior '{work.prior:.80}' here",
                hint=f"There is {', '.join(self.recipes[name].priors)}",
                field="prior",
            )
        return replace(work, recipe=name)


def offer_of(names: tuple[str, ...] = ()) -> Offer:
    """The recipes of these names; without names, all whose weights are on this machine.

    Raises:
        UnknownReference: there is no recipe of this name.
        NotDownloaded: its weights are not here, or no recipe's are.
    """
    here = service.recipes_here()
    for name in names:
        service.show_recipe(name)
        if name not in here:
            raise NotDownloaded(
                f"the weights of the recipe {name} are not on this machine",
                hint=f"Fetch them: `c2l recipes pull {name}`",
                field="recipe",
            )
    wanted = dict.fromkeys(names) or here
    if not wanted:
        raise NotDownloaded(
            "no recipe's weights are on this machine", hint="Fetch some: c2l recipes list"
        )
    return Offer({name: _offered(name) for name in wanted})


def _offered(name: str) -> Offered:
    card = service.show_recipe(name)
    parts = service.parts_of_recipe(name)
    licences = {part: str(service.show_model(part).get("licence") or "") for part in parts}
    fits = service.find_fits(generators=[parts[0]], embedders=[parts[1]])
    others = [prior for fit in fits if fit.state == "fits" for prior in fit.priors]
    priors = tuple(dict.fromkeys([parts[2], *others]))
    return Offered(name, str(card.get("summary", "")), card, priors, licences)
