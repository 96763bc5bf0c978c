"""The priors that training builds: the class of a kind, checked settings, first weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from c2l.embedder import Embedder
from c2l.errors import BadInput, PluginFailed, UnknownReference
from c2l.generator import Generator
from c2l.guard import blaming, failure, watch
from c2l.pairs import PairsManifest
from c2l.plugins import registry
from c2l.prior import Prior
from c2l.prior_settings import WIDTHS
from c2l.training.run import TrainingRun


def prior_class(kind: str, settings: Mapping[str, Any]) -> type[Prior]:
    """The class of a kind of prior, which takes these settings.

    Raises:
        UnknownReference, PluginFailed: no plugin provides the kind.
        BadInput: the kind does not have these settings, or a value is out of range.
    """
    kinds = registry().kinds("prior")
    if kind.partition(":")[0] in kinds and kind not in kinds:
        raise BadInput(
            f"{kind} is one trained prior; training takes a kind",
            hint=f"Use `prior={kind.partition(':')[0]}`",
            field="prior",
        )
    if kind not in kinds:
        interface = registry().entry(kind).interface  # raises, with a hint, for unknown kinds
        raise UnknownReference(
            f"{kind} is a kind of {interface}, not of prior",
            hint=f"Use `prior`: {', '.join(kinds)}",
            field="prior",
        )
    cls = registry().factory(kinds[kind])
    if not (isinstance(cls, type) and issubclass(cls, Prior)):
        raise PluginFailed(
            f"plugin {registry().owner_of_kind(kind)}: the class of its kind {kind} is not a "
            "c2l.Prior",
            hint="It must be derived from c2l.Prior",
        )
    known = cls.Settings.own_fields()
    unknown = [f"'{name}'" for name in sorted(set(settings) - set(known))]
    if unknown:
        raise BadInput(
            f"the prior {kind} has no setting {', '.join(unknown)}",
            hint=f"It has {', '.join(known) or 'no settings'}",
            field="settings",
        )
    problems = cls.Settings.problems(settings)
    if problems:
        raise BadInput(
            f"the prior {kind}: {'; '.join(problems)}", hint="See `settings`", field="settings"
        )
    return cls


def new_prior(kind: str, settings: Mapping[str, Any], manifest: PairsManifest, seed: int) -> Prior:
    """An untrained prior for pairs, on the CPU; its first weights depend on ``seed`` alone.

    Raises:
        UnknownReference, PluginFailed, BadInput: as ``prior_class``; or the class refuses a value.
    """
    widths = {name: getattr(manifest, name) for name in WIDTHS}
    one = len(manifest.class_labels) == 1  # which there is nothing to learn about
    num_classes = 0 if one else manifest.num_classes
    return _build(kind, settings, manifest.num, widths, seed, num_classes)


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
    kind: str,
    settings: Mapping[str, Any],
    num_pairs: int,
    widths: Mapping[str, int],
    seed: int,
    num_classes: int = 0,
) -> Prior:
    cls = prior_class(kind, settings)
    with blaming(cls, "suggest_settings"):
        suggested = cls.suggest_settings(num_pairs, **widths)
    if not isinstance(suggested, Mapping):
        raise failure(cls, "suggest_settings", "does not give a table")
    with torch.random.fork_rng(devices=[]), blaming(cls, "__init__"):
        torch.manual_seed(seed)
        try:
            told = {"num_classes": num_classes} if num_classes and cls.takes_classes else {}
            prior = cls(**{**widths, **told, **suggested, **settings})
            prior.settings()  # fails where a constructor forgot that of its base
            return watch(prior)
        except (RuntimeError, ValueError, TypeError, ArithmeticError) as error:
            if not settings:
                raise
            named = ", ".join(f"{name}={value}" for name, value in settings.items())
            reason = str(error).partition("\n")[0]
            raise BadInput(
                f"the prior {kind} cannot be built with {named}: {reason}",
                hint="See `settings`",
                field="settings",
            ) from error
