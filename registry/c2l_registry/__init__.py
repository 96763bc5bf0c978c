"""Names to plugins, model cards and weights on disk. Knows nothing of torch or of ``c2l``.

Importing this package costs next to nothing: the registry itself loads at first use, and pydantic
when the first card is read. The public names are those in ``__init__.pyi``.
"""

from c2l_registry.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
