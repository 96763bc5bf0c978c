"""Building, fitting and asking priors, also those of plugins that are older than today."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_args, get_type_hints

import torch
from pydantic import ConfigDict, TypeAdapter, ValidationError
from torch import Tensor

from c2l.embedder import Embedder
from c2l.errors import BadInput, UnknownReference
from c2l.generator import Generator
from c2l.pairs import PairsManifest
from c2l.plugins import registry
from c2l.prior import Prior
from c2l.sample_options import Modality
from c2l.training.run import WIDTHS, TrainingRun
from c2l_registry.wording import describe_problem

_STRICT = ConfigDict(strict=True, allow_inf_nan=False)


def prior_class(kind: str, settings: Mapping[str, Any]) -> type[Prior]:
    """The class of a kind of prior, which takes these settings.

    Raises:
        UnknownReference, PluginFailed: no plugin provides the kind.
        BadInput: the kind has no such settings.
    """
    kinds = registry().kinds("prior")
    if kind.partition(":")[0] in kinds and kind not in kinds:
        raise BadInput(
            f"{kind} is one trained prior; training takes a kind",
            hint=f"Use --prior {kind.partition(':')[0]}",
        )
    if kind not in kinds:
        interface = registry().entry(kind).interface  # raises, with a hint, for unknown kinds
        raise UnknownReference(
            f"{kind} is a kind of {interface}, not of prior",
            hint=f"Use --prior {', '.join(kinds)}",
        )
    cls = registry().factory(kinds[kind])
    if not issubclass(cls, Prior):
        raise UnknownReference(
            f"the class of kind {kind} is no prior", hint="Its plugin must subclass c2l.Prior"
        )
    known = set(inspect.signature(cls).parameters) - set(WIDTHS)
    unknown = [f"'{name}'" for name in sorted(set(settings) - known)]
    if unknown:
        raise BadInput(
            f"the prior {kind} has no setting {', '.join(unknown)}",
            hint=f"It has {', '.join(sorted(known))}",
        )
    plain, hints = get_type_hints(cls.__init__), get_type_hints(cls.__init__, include_extras=True)
    wrong = [
        f"{name}={value} is {fault}"
        for name, value in settings.items()
        if name in plain and _is_plain(plain[name]) and (fault := _fault(value, hints[name]))
    ]
    if wrong:
        raise BadInput(f"the prior {kind}: {'; '.join(wrong)}", hint="See --set")
    return cls


def _is_plain(hint: Any) -> bool:
    return set(get_args(hint) or (hint,)) <= {int, float, str, bool, type(None)}


def _fault(value: Any, hint: Any) -> str:
    """How a value does not fit a type and the range that it is annotated with; empty if it does."""
    try:
        TypeAdapter(hint, config=_STRICT).validate_python(value)
    except ValidationError as error:
        return describe_problem(error.errors(include_url=False)[0])
    return ""


def new_prior(kind: str, settings: Mapping[str, Any], manifest: PairsManifest, seed: int) -> Prior:
    """An untrained prior for pairs, on the CPU; its first weights depend on ``seed`` alone.

    Raises:
        UnknownReference, PluginFailed, BadInput: as ``prior_class``; or the class refuses a value.
    """
    widths = {name: getattr(manifest, name) for name in WIDTHS}
    return _build(kind, settings, manifest.num, widths, seed)


def try_prior(run: TrainingRun, num_pairs: int, generator: Generator, embedder: Embedder) -> None:
    """Build the prior of a run whose pairs are yet to be made, and throw it away.

    Raises:
        UnknownReference, PluginFailed, BadInput: as ``new_prior`` would, hours later.
    """
    space = generator.latent_space
    widths = {
        "embedding_width": embedder.width,
        "num_codes": len(run.groups or ()) or space.num_codes,
        "latent_width": space.width,
    }
    _build(run.prior, run.settings, num_pairs, widths, run.seed)


def _build(
    kind: str, settings: Mapping[str, Any], num_pairs: int, widths: Mapping[str, int], seed: int
) -> Prior:
    cls = prior_class(kind, settings)
    suggested = cls.suggest_settings(num_pairs, **widths)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            return cls(**{**widths, **suggested, **settings})
        except (RuntimeError, ValueError, TypeError, ArithmeticError) as error:
            if not settings:
                raise
            named = ", ".join(f"{name}={value}" for name, value in settings.items())
            reason = str(error).partition("\n")[0]
            raise BadInput(
                f"the prior {kind} cannot be built with {named}: {reason}", hint="See --set"
            ) from error


def fit(prior: Prior, embeddings: Tensor, latents: Tensor, texts: Tensor | None) -> None:
    """``prior.fit``, with the texts if it asks for them."""
    if texts is not None and _takes(prior.fit, "texts"):
        prior.fit(embeddings, latents, texts)
    else:
        prior.fit(embeddings, latents)


def draw(prior: Prior, embeddings: Tensor, modality: Modality) -> Tensor:
    """One latent for each embedding, row i with seed i: (B, E) to (B, K, D)."""
    seeds = range(len(embeddings))
    if _takes(prior.sample, "modality"):
        return prior.sample(embeddings, seeds=seeds, modality=modality)
    return prior.sample(embeddings, seeds=seeds)


def _takes(method: Callable[..., Any], name: str) -> bool:
    parameters = inspect.signature(method).parameters
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
