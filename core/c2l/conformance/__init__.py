"""The conformance kit: whether a generator, an embedder or a prior keeps what it promises.

Laws (``laws/``) are plain functions, one promise each: the docstring is the rule and its reason. A
``Report`` says what became of each. ``c2l.testing`` offers all of it to the authors of plugins.
"""

from __future__ import annotations

from c2l.conformance.checking import assert_conforms, check, check_all, check_file
from c2l.conformance.law import Law
from c2l.conformance.laws import EMBEDDER_LAWS, GENERATOR_LAWS, PRIOR_LAWS
from c2l.conformance.report import Finding, Report

__all__ = [
    "EMBEDDER_LAWS",
    "GENERATOR_LAWS",
    "PRIOR_LAWS",
    "Finding",
    "Law",
    "Report",
    "assert_conforms",
    "check",
    "check_all",
    "check_file",
]
