"""What front ends build on: one request, one session, one record.

``c2l.cli`` and ``c2l.web`` see the rest of c2l through this package. Its names load at first use;
they are those in ``__init__.pyi``.
"""

from c2l_registry.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
