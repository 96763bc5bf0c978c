"""Loads parts by reference, and pipelines of parts that fit each other."""

from __future__ import annotations

import dataclasses
import warnings
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TypeVar

import torch

from c2l.classes import known_names, names_beside, read_names
from c2l.devices import resolve_device, resolve_precision
from c2l.embedder import Embedder
from c2l.errors import (
    Assumed,
    BadCard,
    BadInput,
    BadPath,
    BadReference,
    IncompatibleParts,
    NotReadable,
    PluginFailed,
    UnknownReference,
)
from c2l.generator import Generator
from c2l.guard import blaming, failure, is_foreign, watch
from c2l.part import Part
from c2l.pipeline import Pipeline
from c2l.plugins import registry
from c2l.precisions import AUTO, choose_precision
from c2l.prior import Prior
from c2l.prior_file import PartCard
from c2l.programs import check_program
from c2l.reading import unwrapped
from c2l.resolving import find_part, how_to_get, naming_by, own_folder, resolve_beside
from c2l.sampling.request import DrawSettings
from c2l.wrapping import how_to_wrap
from c2l_registry import Interface, Source
from c2l_registry.kinds import WRAPPED
from c2l_registry.wording import a_type_of

DEFAULT_RECIPE = "demo-faces"

AnyPart = TypeVar("AnyPart", Generator, Embedder, Prior)
LivePart = TypeVar("LivePart", bound=Part)


def load_generator(
    reference: str | Path,
    *,
    device: str = "auto",
    precision: str = "float32",
    accept_programs: bool = False,
) -> Generator:
    """Load the generator that a reference such as ``stylegan:./network.safetensors`` names.

    Args:
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps``, or ``auto``: CUDA, else MPS, else the CPU.
        precision: ``float32``; or ``bf16`` or ``fp16``, if it can compute in them; or ``auto``,
            the fastest that causes no visible change.
        accept_programs: agree, from now on, to run this file if it is a program.
    Returns:
        The generator, in eval mode, its weights frozen.
    Raises:
        As ``load_embedder``; and
        BadInput: it computes in float32 only.
        ProgramNotAccepted: the file is a program, which nobody has agreed to run.
    """
    where = resolve_device(device)
    if precision != AUTO:
        resolve_precision(precision, where)  # before anything is read
    generator = _moved(_load(reference, "generator", Generator, accept_programs), where)
    if precision == AUTO:
        precision = choose_precision(generator)
    dtype = resolve_precision(precision, where)
    if dtype != torch.float32:
        generator.compute_in(dtype)
    return generator


def load_embedder(reference: str | Path, *, device: str = "auto") -> Embedder:
    """Load the embedder that a reference such as ``openclip:ViT-B-32/openai`` names.

    Args:
        reference: ``kind:name``, ``kind:path``, or the path of a file or folder.
        device: as for ``load_generator``.
    Returns:
        The embedder, in eval mode, its weights frozen.
    Raises:
        BadReference, UnknownReference: the reference is malformed, or names nothing.
        NotDownloaded: its weights are not on this machine; ``c2l.fetch`` downloads them.
        BadWeights: its file is damaged, or of another kind.
        DeviceUnavailable: this machine does not have the device.
        PluginFailed: its plugin fails.
    """
    return _moved(_load(reference, "embedder", Embedder), resolve_device(device))


def load_prior(reference: str | Path, *, device: str = "auto") -> Prior:
    """Load a prior: a reference such as ``flow:demo-faces``, or the path of its file.

    Its ``card`` says which generator and embedder it was trained for; ``load_pipeline`` loads
    these too, and checks that they fit.

    Args:
        reference: ``kind:name``, or the path of a file that ``train_prior`` wrote.
        device: as for ``load_generator``.
    Returns:
        The prior, in eval mode, its weights frozen.
    Raises:
        As ``load_embedder``.
    """
    return _moved(_load(reference, "prior", Prior), resolve_device(device))


def load_pipeline(
    recipe: str | None = None,
    *,
    generator: str | Path | Generator | None = None,
    embedder: str | Path | Embedder | None = None,
    prior: str | Path | Prior | None = None,
    device: str = "auto",
    precision: str = "float32",
    accept_programs: bool = False,
) -> Pipeline:
    """Load a recipe, or three parts, or a recipe with some of its parts replaced.

    A prior is enough by itself: its file names the generator and embedder it was trained for.
    Without arguments, the recipe is ``demo-faces``.

    Args:
        recipe: the name of a recipe; only a label if all three parts are given.
        generator, embedder, prior: references, files, or parts that are loaded already.
        device: for all parts, as for ``load_generator``.
        precision: ``bf16`` or ``fp16`` for the parts that can compute in it. ``auto`` is for the
            generator only: the fastest that causes no visible change; the pipeline's
            ``drawn_in`` says which.
        accept_programs: as for ``load_generator``.
    Raises:
        IncompatibleParts: the prior was trained for another generator or embedder.
        BadInput: neither generator nor prior computes in this precision.
        UnknownReference, BadWeights, DeviceUnavailable, PluginFailed, ProgramNotAccepted
    """
    where = resolve_device(device)
    if precision != AUTO:
        resolve_precision(precision, where)  # before anything is read
    settings = DrawSettings()
    if recipe is None and prior is None:
        recipe = DEFAULT_RECIPE
    if recipe is not None and not (generator and embedder and prior):
        card = registry().recipe(recipe)
        whole = generator is embedder is prior is None
        generator = generator or card.generator
        embedder = embedder or card.embedder
        prior = prior or card.prior
        settings = DrawSettings(**card.settings.model_dump())
        recipe = recipe if whole else None
    assert prior is not None
    yes = accept_programs
    live_prior = _load(prior, "prior", Prior, yes) if isinstance(prior, (str, Path)) else prior
    if live_prior.card is None and (generator is None or embedder is None):
        raise BadInput(
            "this prior does not say what it was trained for",
            hint="Give `generator` and `embedder`",
            field="generator" if generator is None else "embedder",
        )
    if generator is None or isinstance(generator, (str, Path)):
        generator = _load_for(live_prior, generator, "generator", Generator, yes)
    if embedder is None or isinstance(embedder, (str, Path)):
        embedder = _load_for(live_prior, embedder, "embedder", Embedder, yes)
    for part in (generator, embedder, live_prior):
        watch(part)
    check_compatible(live_prior, generator, embedder)
    for part in (generator, embedder, live_prior):
        _moved(part, where)
    drawn_in = choose_precision(generator) if precision == AUTO else precision
    dtype = resolve_precision(drawn_in, where)
    if dtype != torch.float32 and precision == AUTO:
        compute_in(dtype, generator)
    elif dtype != torch.float32:
        compute_in(dtype, generator, live_prior)
        with suppress(BadInput):  # it may embed in float32 only
            embedder.compute_in(dtype)
    return Pipeline(
        generator,
        embedder,
        live_prior,
        settings=settings,
        recipe=recipe or "",
        precision=precision,
        drawn_in=drawn_in,
    )


def compute_in(dtype: torch.dtype, *parts: Part) -> None:
    """Compute in ``dtype`` where a part can; the others stay in float32.

    Raises:
        BadInput: none of them can.
    """
    refused = []
    for part in parts:
        try:
            part.compute_in(dtype)
        except BadInput as error:
            refused.append(error)
    if len(refused) == len(parts):
        reasons = "; ".join(error.message for error in refused)
        raise BadInput(reasons, hint=refused[0].hint, field="precision")


def check_compatible(prior: Prior, generator: Generator, embedder: Embedder) -> None:
    """Refuse a prior that was trained for other parts.

    Raises:
        IncompatibleParts: naming every mismatch at once.
    """
    card = prior.card
    if card is None:
        return
    wrong = [
        f"its {role} is {_describe(trained_for)}, not {part.reference or 'the one given'}"
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
            hint="Leave out `generator` and `embedder` to use the parts it was trained for, "
            "or train a prior for these with 'c2l train'",
            field="prior",
        )


def _describe(card: PartCard) -> str:
    return card.reference or f"an unnamed one ({card.fingerprint[:12]})"


def _load_for(
    prior: Prior,
    reference: str | Path | None,
    role: Interface,
    base: type[AnyPart],
    accept_programs: bool,
) -> AnyPart:
    """The part that is given, or else the one that the prior was trained for."""
    trained_for: PartCard | None = getattr(prior.card, role, None)
    wanted = reference or _named_by(prior, trained_for)
    try:
        return _load(wanted, role, base, accept_programs)
    except (UnknownReference, BadReference, BadPath, NotReadable) as error:
        if trained_for is None or reference is not None:
            raise
        if trained_for.reference.startswith(f"{WRAPPED}:"):
            raise UnknownReference(
                f"{prior.reference} was trained for the {role} {trained_for.reference}, "
                "which lives in the program that wrapped it",
                hint="Give it there: c2l.load_pipeline(prior=…, "
                f"{how_to_wrap(role, trained_for.settings)})",
                field=role,
            ) from error
        raise UnknownReference(
            f"{prior.reference} was trained for the {role} {_describe(trained_for)}, "
            f"which is not here: {error.message}",
            hint=how_to_get(trained_for.package, own_folder(prior.reference))
            or f"Give its path with `{role}`",
            field=role,
        ) from error


def _named_by(prior: Prior, part: PartCard | None) -> str:
    """The part that a prior was trained for; a relative path may start at the prior's folder."""
    return resolve_beside(part.reference if part else "", *own_folder(prior.reference))


def load_unwatched(
    reference: str | Path,
    interface: Interface,
    base: type[AnyPart],
    accept_programs: bool = False,
) -> AnyPart:
    """Load a part on the CPU as it is, for those who look at it themselves.

    Raises:
        BadReference, UnknownReference, BadWeights, PluginFailed
    """
    if isinstance(reference, Path):
        reference = path_as_reference(reference)
    spec, source = find_part(reference, interface)
    cls = registry().factory(spec)
    if not (isinstance(cls, type) and issubclass(cls, base)):
        raise PluginFailed(
            f"plugin {registry().owner_of_kind(spec.kind)}: the class of its kind {spec.kind}, "
            f"{spec.factory}, is not a {interface}",
            hint=f"It must be derived from c2l.{base.__name__}",
        )
    check_program(spec, source, accept=accept_programs)
    named = source
    with ExitStack() as stack:
        stack.enter_context(naming_by(source))
        stack.enter_context(blaming(cls, "load"))
        if source.path is not None:
            inner = stack.enter_context(unwrapped(source.path))
            source = dataclasses.replace(source, path=inner)
        part = cls.load(source)
    if not isinstance(part, base):
        raise failure(cls, "load", f"gives {a_type_of(part)}, not a c2l.{base.__name__}")
    part.reference = str(source.reference)
    part.package = registry().package(spec.kind)
    if isinstance(part, Generator) and part.classes is not None:
        _name_classes(part, named)
    return part


def _name_classes(generator: Generator, source: Source) -> None:
    """Give its classes the names that the card has, or a text file beside the weights.

    Raises:
        BadCard, BadInput: they are the names of other classes.
    """
    assert generator.classes is not None
    if source.card is not None and source.card.classes:
        listed = source.card.classes
        try:
            names = known_names(listed) if isinstance(listed, str) else listed
            generator.classes = generator.classes.named(names)
        except BadInput as error:
            raise BadCard(f"the card of {source.reference}: {error.message}") from error
    elif source.path is not None and (beside := names_beside(source.path)).is_file():
        try:
            generator.classes = generator.classes.named(read_names(beside))
        except BadInput as error:
            raise BadInput(f"{beside}: {error.message}", hint=error.hint) from error


def _load(
    reference: str | Path,
    interface: Interface,
    base: type[AnyPart],
    accept_programs: bool = False,
) -> AnyPart:
    part = load_unwatched(reference, interface, base, accept_programs)
    if is_foreign(type(part)):
        with blaming(type(part), "load"):
            _check_finished(part)
    if part.remarks:
        warnings.warn(f"{part.reference}: {'; '.join(part.remarks)}", Assumed, stacklevel=3)
    return watch(part)


def _check_finished(part: Part) -> None:
    """Raises ``PluginFailed`` unless a part is loaded as ``load`` must: to be used, not trained."""
    if any(module.training for module in part.modules()):
        raise failure(
            type(part), "load", "leaves the part in training mode", hint="End it with .eval()"
        )
    if any(parameter.requires_grad for parameter in part.parameters()):
        raise failure(
            type(part),
            "load",
            "leaves weights that ask for gradients",
            hint="End it with .requires_grad_(False)",
        )


def _moved(part: LivePart, device: torch.device) -> LivePart:
    with blaming(type(part), "to"):
        part.to(device)
    return part


def path_as_reference(path: Path) -> str:
    """A path as a reference: with the dot that makes it one, which ``Path`` drops."""
    text = str(path)
    return text if path.is_absolute() or text.startswith(("~", "..")) else f"./{text}"
