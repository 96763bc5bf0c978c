"""Model cards and recipes: the TOML files that give names to weights.

A file holds any number of ``[[model]]`` and ``[[recipe]]`` tables. Importing this module imports
pydantic, which takes longer than all the rest of the registry: import it only to read a card.
"""

from __future__ import annotations

import tomllib
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.functional_validators import AfterValidator

from c2l_registry.errors import BadCard, BadReference
from c2l_registry.references import parse_reference
from c2l_registry.wording import describe_problem


def _catalogue_name(text: str) -> str:
    try:
        reference = parse_reference(text)
    except BadReference as error:
        raise ValueError(error.message) from None
    if not reference.in_catalogue:
        raise ValueError("must be kind:name, not a path")
    return text


def _beside_the_card(text: str) -> str:
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or "\\" in text or ":" in text:
        raise ValueError("must be a path below the card's folder, with forward slashes")
    return text


Line = Annotated[str, StringConstraints(min_length=1, pattern=r"^\S[^\n\r]*$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
CatalogueReference = Annotated[str, AfterValidator(_catalogue_name)]
Url = Annotated[
    str,
    StringConstraints(pattern=r"^(https?://\S+|hf:[\w.-]+/[\w.-]+(@[\w.-]+)?/[^\s?#]+)$"),
]
Sha256 = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.+@-]*$")]
DottedPath = Annotated[str, StringConstraints(pattern=r"^([A-Za-z_][\w.]*:[A-Za-z_]\w*)?$")]
EmbeddedFile = Annotated[str, AfterValidator(_beside_the_card)]


class _Card(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Companion(_Card):
    """A small file that belongs beside the weights, such as the settings of a checkpoint.

    Args:
        name: of the file.
        urls, size, sha256: see ``ModelCard``.
    """

    name: FileName
    urls: Annotated[tuple[Url, ...], Field(min_length=1, strict=False)]
    size: Annotated[int, Field(gt=0)] | None = None
    sha256: Sha256 = ""


class ModelCard(_Card):
    """One set of weights: what it is, under which licence, and where it comes from.

    Args:
        reference: ``kind:name``.
        summary: one line.
        licence: SPDX identifier or the licence's own name; shown before the first download.
        licence_url: where to read the licence.
        commercial_use: whether the licence allows it; None if unknown.
        file: path relative to the TOML file, for weights that ship in the package.
        resolution: height of the images in pixels, for generators.
        classes: names of the classes that a generator is told, in their order; or the name of a
            list that c2l has, such as ``imagenet``.
        size: of the file, in bytes.
        rough_size: in bytes, if only a rounded figure is published; shown, never checked.
        sha256: of the file, 64 lower-case hexadecimal digits.
        urls: addresses of the file, in order of preference: ``https://…``, or
            ``hf:OWNER/REPOSITORY[@REVISION]/FILE``, which uses Hugging Face's own cache.
        file_name: of the file on this machine, if the first address does not contain it.
        companions: files that belong beside it.
        source: where the facts on this card come from: a page, a paper, a command.
        notes: anything else a user should know first.
    """

    reference: CatalogueReference
    summary: Line
    licence: Line
    licence_url: str = ""
    commercial_use: bool | None = None
    file: EmbeddedFile = ""
    resolution: Annotated[int, Field(gt=0)] | None = None
    classes: Line | Annotated[tuple[Line, ...], Field(strict=False)] = ""
    size: Annotated[int, Field(gt=0)] | None = None
    rough_size: Annotated[int, Field(gt=0)] | None = None
    sha256: Sha256 = ""
    urls: tuple[Url, ...] = Field(default=(), strict=False)
    file_name: FileName | None = None
    companions: tuple[Companion, ...] = Field(default=(), strict=False)
    source: str = ""
    notes: str = ""


class RecipeSettings(_Card):
    """Defaults for sampling; None leaves a value to the parts."""

    guidance: Annotated[float, Field(ge=0)] | None = None
    steps: Annotated[int, Field(gt=0)] | None = None
    truncation: float | None = None
    best_of: Annotated[int, Field(gt=0)] | None = None


class RecipeCard(_Card):
    """Three parts that fit each other, and how to sample with them.

    Args:
        name: in lower case.
        summary: one line.
        generator, embedder, prior: references.
        settings: defaults for sampling.
        prompts: examples of what it can draw.
        judge: ``package.module:name`` of an object that recognises what its pictures show,
            imported when the recipe is evaluated; see ``c2l.evaluation``.
        expected_alignment: the lowest and the highest mean cosine of a picture and its prompt that
            is normal, for ``c2l recipes check``.
    """

    name: Name
    summary: Line
    generator: CatalogueReference
    embedder: CatalogueReference
    prior: CatalogueReference
    settings: RecipeSettings = RecipeSettings()
    prompts: tuple[Line, ...] = Field(default=(), strict=False)
    judge: DottedPath = ""
    expected_alignment: tuple[float, float] | None = Field(default=None, strict=False)


class _CardFile(_Card):
    model: tuple[ModelCard, ...] = Field(default=(), strict=False)
    recipe: tuple[RecipeCard, ...] = Field(default=(), strict=False)


def read_cards(path: Path) -> tuple[tuple[ModelCard, ...], tuple[RecipeCard, ...]]:
    """Read every card of a TOML file.

    Raises:
        BadCard: the file cannot be read, is not TOML, or a field is missing, unknown or wrong.
            The message names the file and the field.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadCard(f"the card file {path} cannot be read: {error}") from error
    try:
        file = _CardFile.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = _place(raw, first["loc"])
        raise BadCard(f"the card file {path}: {place}: {describe_problem(first)}") from error
    return file.model, file.recipe


def _place(raw: object, location: tuple[int | str, ...]) -> str:
    """``[[model]] stylegan:ffhq, resolution`` for pydantic's ``("model", 3, "resolution")``."""
    if len(location) < 2 or not isinstance(location[1], int):
        return ".".join(map(str, location))
    table, index, *field = location
    row: object = None
    if isinstance(raw, dict):
        row = raw[table][index]
    label = row.get("reference") or row.get("name") if isinstance(row, dict) else None
    where = f"[[{table}]] {label or f'number {int(index) + 1}'}"
    return ", ".join([where, ".".join(map(str, field))] if field else [where])
