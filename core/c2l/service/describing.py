"""Describes a picture, a prior or a direction that c2l wrote; its content says which it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from c2l.editing.directions import DirectionCard, is_direction_file, read_direction
from c2l.errors import BadPicture
from c2l.places import Place, on_disk, place_of
from c2l.prior_file import PriorCard, is_prior_file, read_prior_card
from c2l.sampling.record import read_record
from c2l.training import TrainingRun

_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM")


@dataclass(frozen=True)
class PictureFacts:
    """The record of a picture."""

    record: dict[str, Any]


@dataclass(frozen=True)
class PriorFacts:
    """The card of a prior."""

    card: PriorCard

    @property
    def run(self) -> str:
        """The training run that made it, as TOML."""
        return TrainingRun.of(self.card).to_toml()


@dataclass(frozen=True)
class DirectionFacts:
    """The card of a direction."""

    card: DirectionCard


def describe_file(file: Place | str) -> PictureFacts | PriorFacts | DirectionFacts:
    """Read the record of a picture or the card of a prior or direction, by whatever name.

    Raises:
        BadPicture: it is none of these, or a picture without a record.
        BadWeights: a safetensors file that is neither a prior nor a direction.
    """
    place = place_of(file)
    if is_prior_file(place):  # of one in a store, only the header is read
        return PriorFacts(read_prior_card(place))
    try:
        with on_disk(place) as path:
            return _describe(path)
    except FileNotFoundError:
        raise BadPicture(f"there is no {place}", hint="Check the address") from None


def _describe(path: Path) -> PictureFacts | PriorFacts | DirectionFacts:
    if is_direction_file(path):
        return DirectionFacts(read_direction(path).card)
    start = _beginning(path)
    is_picture = start.startswith(_PICTURES)
    if path.suffix == ".safetensors" and not is_picture:
        return PriorFacts(read_prior_card(path))
    if start and not is_picture:
        raise BadPicture(
            f"{path} is neither a picture, a prior nor a direction",
            hint="Give a PNG, a prior or a direction that c2l wrote",
        )
    return PictureFacts(read_record(path))


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(8)
    except OSError:
        return b""  # reading the record will say what is wrong
