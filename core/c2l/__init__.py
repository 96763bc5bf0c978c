"""Text-driven sampling for any pretrained GAN.

Importing this package is cheap: every public name below loads at first use (PEP 562), so that
listing plugins or reading a model card never imports torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from c2l.embedder import Embedder, TextReading
    from c2l.evaluation import evaluate
    from c2l.fetching import fetch
    from c2l.generator import Generator, LatentSpace
    from c2l.hookspecs import hookimpl
    from c2l.loading import load_embedder, load_generator, load_pipeline, load_prior
    from c2l.pairs import Pairs, build_pairs, load_pairs
    from c2l.pipeline import Pipeline, Result
    from c2l.prior import Prior, PriorCard
    from c2l.training import train_prior
    from c2l_registry import KindSpec, ModelCard, Source

__version__ = "0.1.0"

_HOMES = {
    "Embedder": "c2l.embedder",
    "Generator": "c2l.generator",
    "KindSpec": "c2l_registry",
    "LatentSpace": "c2l.generator",
    "ModelCard": "c2l_registry",
    "Pairs": "c2l.pairs",
    "Pipeline": "c2l.pipeline",
    "Prior": "c2l.prior",
    "PriorCard": "c2l.prior",
    "Result": "c2l.pipeline",
    "Source": "c2l_registry",
    "TextReading": "c2l.embedder",
    "build_pairs": "c2l.pairs",
    "evaluate": "c2l.evaluation",
    "fetch": "c2l.fetching",
    "hookimpl": "c2l.hookspecs",
    "load_embedder": "c2l.loading",
    "load_generator": "c2l.loading",
    "load_pairs": "c2l.pairs",
    "load_pipeline": "c2l.loading",
    "load_prior": "c2l.loading",
    "train_prior": "c2l.training",
}

__all__ = [
    "Generator",
    "LatentSpace",
    "Embedder",
    "TextReading",
    "Prior",
    "PriorCard",
    "load_generator",
    "load_embedder",
    "load_prior",
    "load_pipeline",
    "fetch",
    "Pipeline",
    "Result",
    "Pairs",
    "build_pairs",
    "load_pairs",
    "train_prior",
    "evaluate",
    "hookimpl",
    "KindSpec",
    "ModelCard",
    "Source",
]


def __getattr__(name: str) -> Any:
    try:
        home = _HOMES[name]
    except KeyError:
        raise AttributeError(f"module 'c2l' has no attribute {name!r}") from None
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
