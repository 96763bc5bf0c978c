"""Building, fitting and asking priors, also those of plugins that are older than today."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

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
    return cls


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
