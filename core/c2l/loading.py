"""References to live parts."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeVar

import torch

from c2l.devices import resolve_device, resolve_precision
from c2l.embedder import Embedder
from c2l.errors import (
    BadInput,
    BadReference,
    BadWeights,
    C2LError,
    IncompatibleParts,
    PluginFailed,
    UnknownReference,
)
from c2l.generator import Generator
from c2l.part import Part
from c2l.pipeline import Pipeline
from c2l.plugins import registry
from c2l.prior import Prior
from c2l.prior_file import PartCard, read_prior_card
from c2l.sampling.request import DrawSettings
from c2l_registry import KindSpec, Reference, Source, parse_reference

DEFAULT_RECIPE = "demo-faces"

Interface = Literal["generator", "embedder", "prior"]
AnyPart = TypeVar("AnyPart", Generator, Embedder, Prior)


def load_generator(reference: str, *, device: str = "cpu", precision: str = "float32") -> Generator:
    """Load the generator that a reference such as ``stylegan:./network.safetensors`` names.

    Args:
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``, or ``auto``.
        precision: ``float32``, or where it computes in less: ``bf16`` or ``fp16``.
    Raises:
        BadReference, UnknownReference, BadWeights, DeviceUnavailable, PluginFailed
        BadInput: it computes in float32 alone.
    """
    where = resolve_device(device)
    dtype = resolve_precision(precision, where)
    generator = _load(reference, "generator", Generator).to(where)
    if dtype != torch.float32:
        generator.compute_in(dtype)
    return generator


def find_generator(reference: str) -> tuple[type[Generator], Path]:
    """The class of a generator and the file it would be loaded from; loads nothing.

    Raises:
        BadReference, UnknownReference, PluginFailed
    """
    spec, source = _find(reference, "generator")
    cls = registry().factory(spec)
    if source.path is None or not (isinstance(cls, type) and issubclass(cls, Generator)):
        raise BadReference(f"{reference} names no file", hint="Give the path of one")
    return cls, source.path


def load_embedder(reference: str, *, device: str = "cpu") -> Embedder:
    """Load the embedder that a reference such as ``openclip:ViT-B-32/openai`` names.

    Raises:
        BadReference, UnknownReference, BadWeights, DeviceUnavailable, PluginFailed
    """
    return _load(reference, "embedder", Embedder).to(resolve_device(device))


def load_prior(reference: str, *, device: str = "cpu") -> Prior:
    """Load a prior: a reference such as ``flow:demo-faces``, or the path of its file.

    Raises:
        BadReference, UnknownReference, BadWeights, DeviceUnavailable, PluginFailed
    """
    return _load(reference, "prior", Prior).to(resolve_device(device))


def load_pipeline(
    recipe: str | None = None,
    *,
    generator: str | Generator | None = None,
    embedder: str | Embedder | None = None,
    prior: str | Prior | None = None,
    device: str = "cpu",
    precision: str = "float32",
) -> Pipeline:
    """Load a recipe, or three parts, or a recipe with some of its parts replaced.

    A prior alone is enough: its file says which generator and embedder it was trained for.
    Without any argument the recipe is ``demo-faces``.

    Args:
        recipe: the name of a recipe.
        generator, embedder, prior: references, or parts that are already live.
        device: where all parts are moved.
        precision: ``bf16`` or ``fp16`` for a generator and a prior that compute in it. Embeddings
            are always float32: they are what the prior was trained on.
    Raises:
        IncompatibleParts: the prior was trained for another generator or embedder.
        BadInput: neither generator nor prior computes in this precision.
        UnknownReference, BadWeights, DeviceUnavailable, PluginFailed
    """
    where = resolve_device(device)
    dtype = resolve_precision(precision, where)
    settings = DrawSettings()
    if recipe is None and prior is None:
        recipe = DEFAULT_RECIPE
    if recipe is not None:
        card = registry().recipe(recipe)
        whole = generator is embedder is prior is None
        generator = generator or card.generator
        embedder = embedder or card.embedder
        prior = prior or card.prior
        settings = DrawSettings(**card.settings.model_dump())
        recipe = recipe if whole else None
    assert prior is not None
    live_prior = _load(prior, "prior", Prior) if isinstance(prior, str) else prior
    if live_prior.card is None and (generator is None or embedder is None):
        raise BadInput(
            "this prior does not say what it was trained for", hint="Give generator and embedder"
        )
    if generator is None or isinstance(generator, str):
        generator = _load_for(live_prior, generator, "generator", Generator)
    if embedder is None or isinstance(embedder, str):
        embedder = _load_for(live_prior, embedder, "embedder", Embedder)
    check_compatible(live_prior, generator, embedder)
    for part in (generator, embedder, live_prior):
        part.to(where)
    if dtype != torch.float32:
        _compute_in(dtype, generator, live_prior)
    return Pipeline(
        generator,
        embedder,
        live_prior,
        settings=settings,
        recipe=recipe or "",
        precision=precision,
    )


def _compute_in(dtype: torch.dtype, *parts: Part) -> None:
    """Where one part computes in it, the others may stay with float32."""
    refused = []
    for part in parts:
        try:
            part.compute_in(dtype)
        except BadInput as error:
            refused.append(error)
    if len(refused) == len(parts):
        reasons = "; ".join(error.message for error in refused)
        raise BadInput(reasons, hint=refused[0].hint)


def check_compatible(prior: Prior, generator: Generator, embedder: Embedder) -> None:
    """Refuse a prior that was trained for other parts.

    Raises:
        IncompatibleParts: naming every mismatch at once.
    """
    card = prior.card
    if card is None:
        return
    wrong = [
        f"its {role} is {_named(trained_for)}, not {part.reference or 'the one given'}"
        + (" (the same name, but other weights or settings)" if same_name else "")
        for role, trained_for, part in (
            ("generator", card.generator, generator),
            ("embedder", card.embedder, embedder),
        )
        if trained_for.fingerprint != part.fingerprint()
        for same_name in [trained_for.reference == part.reference]
    ]
    if wrong:
        raise IncompatibleParts(
            f"the prior {prior.reference} does not fit: {'; '.join(wrong)}",
            hint="Leave out -g and -e to use the parts it was trained for, "
            "or train one for these: c2l train -g … -e …",
        )


def _named(card: PartCard) -> str:
    return card.reference or f"an unnamed one ({card.fingerprint[:12]})"


def _load_for(prior: Prior, reference: str | None, role: Interface, base: type[AnyPart]) -> AnyPart:
    """The part given, or else the one that the prior was trained for."""
    trained_for: PartCard | None = getattr(prior.card, role, None)
    wanted = reference or _beside(prior, trained_for.reference if trained_for else "")
    try:
        return _load(wanted, role, base)
    except (UnknownReference, BadReference) as error:
        if trained_for is None or reference is not None:
            raise
        package = trained_for.package
        raise UnknownReference(
            f"{prior.reference} was trained for the {role} {_named(trained_for)}, "
            f"which is not here: {error.message}",
            hint=f"Install {package} again: pip install {package}"
            if package and package != "c2l"
            else f"Name another place with -{role[0]}",
        ) from error


def _load(reference: str, interface: Interface, base: type[AnyPart]) -> AnyPart:
    spec, source = _find(reference, interface)
    cls = registry().factory(spec)
    if not (isinstance(cls, type) and issubclass(cls, base)):
        raise BadReference(
            f"the class of kind {spec.kind} is no {interface}",
            hint="Its plugin must subclass c2l." + base.__name__,
        )
    part = cls.load(source)
    part.reference = str(source.reference)
    part.package = registry().package(spec.kind)
    return part


def _beside(prior: Prior, reference: str) -> str:
    """A relative path that a prior names, where it leads from the prior's own folder.

    It was written as seen from the folder where the prior was trained. From there it works as it
    is; from elsewhere it does if part and prior were kept, or moved, together.
    """
    kind, _, name = reference.rpartition(":")
    part, own = Reference(kind, name), Reference("", prior.reference.partition(":")[2])
    if not (part.is_path and own.is_path) or part.path.exists():
        return reference
    near = own.path.absolute().parent / part.path
    return str(Reference(kind, str(near))) if near.exists() else reference


def _find(reference: str, interface: Interface) -> tuple[KindSpec, Source]:
    """The kind and the place of what is to be loaded; a bare path is offered to every kind."""
    if Reference("", reference).is_path:
        return _recognise(parse_reference(reference), interface)
    return registry().resolve(reference, interface)


def _recognise(reference: Reference, interface: Interface) -> tuple[KindSpec, Source]:
    """Offer a bare path to every kind of the interface; exactly one must know the file."""
    path = reference.path
    if not path.exists():
        raise UnknownReference(f"there is no file {path}", hint="Check the path")
    told = _told_kind(path) if interface == "prior" else None
    matches, failures = ([told], []) if told else _offered(path, interface)
    if not matches:
        _refuse_what_is_no_weights(path)
    if len(matches) != 1:
        names = ", ".join(f"{s.kind}:{path}" for s in matches)
        unknown = "; ".join([f"no {interface} plugin recognises {path}", *failures])
        raise UnknownReference(
            f"more than one plugin recognises {path}" if matches else unknown,
            hint=f"Say which: {names}"
            if matches
            else f"Name its kind, as in KIND:{path}. List them: c2l models list --kind {interface}",
        )
    spec = matches[0]
    return spec, Source(Reference(spec.kind, reference.name), path, None)


def _refuse_what_is_no_weights(path: Path) -> None:
    """Name what an address gave instead of weights: nobody recognises it, but that is no help."""
    if not path.is_file():
        return
    try:
        with path.open("rb") as file:
            start = file.read(64).lstrip().lower()
    except OSError as error:
        raise BadWeights(f"cannot read {path}: {error.strerror or error}") from error
    if not start:
        raise BadWeights(f"{path} is empty", hint="Fetch or copy it again")
    if start.startswith((b"<!doctype", b"<html", b"<head")):
        raise BadWeights(
            f"{path} is a web page, not weights", hint="Fetch it again, from its true address"
        )
    if start.startswith(b"version https://git-lfs"):
        raise BadWeights(
            f"{path} only points to weights that Git LFS keeps", hint="Run git lfs pull there"
        )


def _told_kind(path: Path) -> KindSpec | None:
    """The kind that a prior's own file says it is; None where it is no such file."""
    try:
        kind = read_prior_card(path).kind
    except BadWeights:
        if path.suffix == ".safetensors":
            raise
        return None
    if kind in (kinds := registry().kinds("prior")):
        return kinds[kind]
    try:
        registry().entry(kind)  # says whether its plugin is disabled, or failed, or absent
    except C2LError as error:
        raise UnknownReference(
            f"{path} is a prior of kind {kind}: {error.message}",
            hint=f"Install the plugin that provides {kind}. {error.hint}",
        ) from error
    raise UnknownReference(f"{path} is a prior of kind {kind}, which is no kind of prior here")


def _offered(path: Path, interface: Interface) -> tuple[list[KindSpec], list[str]]:
    """The kinds that recognise a file, and why others could not be asked."""
    matches, failures = [], []
    for spec in registry().kinds(interface).values():
        try:
            cls = registry().factory(spec)
        except PluginFailed as error:
            failures.append(error.message)
            continue
        if issubclass(cls, Part) and cls.recognises(path):
            matches.append(spec)
    return matches, failures
