"""What a bridge is of: names joined by ``+``, and which of them go together."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

INGREDIENTS = ("blur", "noise", "centring", "projection", "neighbours", "ridge")
AUTO = "auto"


def chosen_of(ingredients: str) -> set[str]:
    """Their names."""
    return set() if ingredients == "none" else set(ingredients.split("+"))


def check_ingredients(text: str) -> str:
    """``text`` itself. Raises ``ValueError`` if one is unknown, or two do not go together."""
    chosen = chosen_of(text)
    unknown = sorted(chosen - set(INGREDIENTS))
    if unknown:
        raise ValueError(
            f"the gap has no ingredient '{unknown[0]}'; use none, or some of "
            f"{', '.join(INGREDIENTS)}, joined by +"
        )
    if {"blur", "noise"} <= chosen:
        raise ValueError("blur and noise are two lengths of the same noise; use one of them")
    if {"projection", "neighbours"} <= chosen:
        raise ValueError("projection and neighbours move a text to two places; use one of them")
    if "neighbours" in chosen and "blur" not in chosen:
        raise ValueError("neighbours go with blur")
    return text


def _check_open(text: str) -> str:
    return text if text == AUTO else check_ingredients(text)


Ingredients = Annotated[str, AfterValidator(check_ingredients)]
"""Names of ingredients joined by ``+``, as in ``centring+noise``; ``none`` for none."""

OpenIngredients = Annotated[str, AfterValidator(_check_open)]
"""Ingredients, or ``auto`` to choose them from pairs."""
