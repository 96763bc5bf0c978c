"""What is too much for one request."""

from __future__ import annotations

from collections.abc import Sequence

from c2l.errors import BadInput
from c2l.service import DrawRequest
from c2l.web.settings import Limits


def check_draw(asked: DrawRequest, limits: Limits) -> None:
    """Raises ``BadInput`` if a drawing is too long, too large or too slow."""
    texts = [text for prompt in asked.prompts for text in prompt]
    check_texts(texts, limits, "prompt")
    check_texts(list(asked.negative or ()), limits, "negative")
    check_number(asked.num_pictures, limits.pictures, "num_images", "pictures")
    candidates = asked.num_pictures * asked.most_candidates
    check_number(candidates, limits.candidates, "best_of", "candidates of all pictures")
    check_number(asked.steps or 0, limits.steps, "steps", "steps")
    optimise = asked.num_pictures * (asked.optimise or 0)
    check_number(optimise, limits.optimise, "optimise", "steps of gradient descent in all")


def check_texts(texts: Sequence[str], limits: Limits, field: str) -> None:
    """Raises ``BadInput`` if a text is too long, or there are too many."""
    check_number(len(texts), limits.pictures, field, "texts")
    longest = max(map(len, texts), default=0)
    check_number(longest, limits.prompt, field, "characters")


def check_number(number: int, most: int, field: str, what: str) -> None:
    """Raises ``BadInput`` if a number is above what this server allows."""
    if number > most:
        raise BadInput(
            f"{number:,} {what} are more than the {most:,} that this server allows in one request",
            hint=f"Ask for less, or run a server that allows more; see `{field}`",
            field=field,
        )
