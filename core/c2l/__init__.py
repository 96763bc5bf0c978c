"""Text-driven sampling for any pretrained GAN.

Importing this package is cheap: every public name below loads at first use (PEP 562), so that
listing plugins or reading a model card never imports torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from c2l.version import __version__ as __version__

if TYPE_CHECKING:
    from c2l.embedder import Embedder, TextReading
    from c2l.evaluation import evaluate
    from c2l.fetching import fetch
    from c2l.files import draft_of, write_atomically
    from c2l.generator import Generator, LatentSpace
    from c2l.hookspecs import hookimpl
    from c2l.loading import load_embedder, load_generator, load_pipeline, load_prior
    from c2l.pairs import Pairs, build_pairs, load_pairs
    from c2l.pipeline import Pipeline, Result
    from c2l.prior import Prior, check_embeddings, check_pairs
    from c2l.prior_file import PriorCard
    from c2l.prior_settings import PriorSettings
    from c2l.sample_options import Modality, SampleOptions
    from c2l.seeds import SeededNormal, draw_index, draw_normal
    from c2l.training import train_prior
    from c2l_registry import KindSpec, ModelCard, Source


_HOMES = {
    "Embedder": "c2l.embedder",
    "Generator": "c2l.generator",
    "KindSpec": "c2l_registry",
    "LatentSpace": "c2l.generator",
    "Modality": "c2l.sample_options",
    "ModelCard": "c2l_registry",
    "Pairs": "c2l.pairs",
    "Pipeline": "c2l.pipeline",
    "Prior": "c2l.prior",
    "PriorCard": "c2l.prior_file",
    "PriorSettings": "c2l.prior_settings",
    "SampleOptions": "c2l.sample_options",
    "SeededNormal": "c2l.seeds",
    "check_embeddings": "c2l.prior",
    "check_pairs": "c2l.prior",
    "draft_of": "c2l.files",
    "draw_index": "c2l.seeds",
    "draw_normal": "c2l.seeds",
    "write_atomically": "c2l.files",
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
    "PriorSettings",
    "SampleOptions",
    "Modality",
    "check_embeddings",
    "check_pairs",
    "SeededNormal",
    "draw_normal",
    "draw_index",
    "write_atomically",
    "draft_of",
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
