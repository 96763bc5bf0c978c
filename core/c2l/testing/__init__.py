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

from __future__ import annotations

from c2l.testing.laws import EMBEDDER_LAWS, GENERATOR_LAWS, PRIOR_LAWS, Law
from c2l.testing.packages import install_package, on_path, plugin_source
from c2l.testing.toy_judge import ToyJudge
from c2l.testing.toy_prior import ToyPrior, toy_pipeline
from c2l.testing.toy_world import share_shown, some_prompts
from c2l.testing.toys import ToyEmbedder, ToyGenerator, toy_pairs, toy_parts

__all__ = [
    "Law",
    "GENERATOR_LAWS",
    "EMBEDDER_LAWS",
    "PRIOR_LAWS",
    "ToyGenerator",
    "ToyEmbedder",
    "ToyPrior",
    "ToyJudge",
    "toy_parts",
    "toy_pairs",
    "toy_pipeline",
    "some_prompts",
    "share_shown",
    "install_package",
    "on_path",
    "plugin_source",
]
