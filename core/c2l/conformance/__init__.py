"""The conformance kit: whether a generator, an embedder or a prior keeps what it promises.

Laws (``laws/``) are plain functions, one promise each: the docstring is the rule and its reason. A
``Report`` says what became of each. ``c2l.testing`` offers all of it to the authors of plugins.
"""

from c2l_registry.lazy import attach

# At first use, since a process that describes plugins must not import torch itself.
__getattr__, __dir__, __all__ = attach(__name__, __file__)
