"""What the authors of plugins test with; the suite of c2l uses it too.

**Laws** are what every part must obey, one function each. A test file runs them all::

    import pytest
    from c2l.testing import GENERATOR_LAWS

    @pytest.mark.parametrize("law", GENERATOR_LAWS)
    def test_it_keeps_the_law(law):
        law(MyGAN(...))

**Toys** are a generator, an embedder, a prior and a judge that need no download and answer in
milliseconds, for whatever needs the other parts around it.

**Packages** are fake installed distributions with entry points, to test how plugins are found.

**Fixtures** keep tests off the network and away from the user's files: write
``pytest_plugins = ["c2l.testing.pytest_plugin"]`` in a ``conftest.py``.
"""

from c2l_registry.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)
