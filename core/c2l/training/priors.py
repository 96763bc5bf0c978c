"""Building, fitting and asking priors, also those of plugins that are older than today."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_args, get_type_hints

import torch
from torch import Tensor

from c2l.errors import BadInput, UnknownReference
from c2l.pairs import PairsManifest
from c2l.plugins import registry
from c2l.prior import Modality, Prior
from c2l.training.run import WIDTHS


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
    hints = get_type_hints(cls.__init__)
    wrong = [
        f"{name}={value} is no {_in_words(hints[name])}"
        for name, value in settings.items()
        if name in hints and not _fits(value, hints[name])
    ]
    if wrong:
        raise BadInput(f"the prior {kind}: {'; '.join(wrong)}", hint="See --set")
    return cls


def _fits(value: Any, hint: Any) -> bool:
    """Whether a setting is of the type that its parameter wants; others than plain ones all are."""
    wanted = set(get_args(hint) or (hint,))
    if not wanted <= {int, float, str, bool, type(None)}:
        return True
    return type(value) in wanted or (float in wanted and type(value) is int)


def _in_words(hint: Any) -> str:
    words = {int: "whole number", float: "number", str: "text", bool: "true or false"}
    return " or ".join(words[t] for t in get_args(hint) or (hint,) if t in words)


def new_prior(kind: str, settings: Mapping[str, Any], manifest: PairsManifest, seed: int) -> Prior:
    """An untrained prior for pairs, on the CPU; its first weights depend on ``seed`` alone.

    Raises:
        UnknownReference, PluginFailed, BadInput: as ``prior_class``.
    """
    cls = prior_class(kind, settings)
    widths = {name: getattr(manifest, name) for name in WIDTHS}
    suggested = cls.suggest_settings(manifest.num, **widths)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return cls(**{**widths, **suggested, **settings})


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
