"""The laws of generators on the real weights, and what is special here."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest
import torch

import c2l
from c2l.errors import BadWeights, NotDownloaded
from c2l.testing import assert_conforms
from c2l_digiface import generator as module
from c2l_digiface.generator import INSTALL, SAVED_AS, DigiFace, find_weights


@pytest.fixture(scope="module")
def faces() -> c2l.Generator:
    try:
        find_weights()
    except NotDownloaded as error:
        pytest.skip(f"{error.message}. {error.hint}")
    return c2l.load_generator("digiface:faces")


def test_it_keeps_the_laws_of_generators(faces: c2l.Generator) -> None:
    assert_conforms(faces.reference)


def test_the_weights_are_those_of_the_package(faces: c2l.Generator) -> None:
    """Random weights draw grey; these draw skin on a background, alike in no two pictures."""
    means = 127.5 + 127.5 * faces.synthesize(faces.sample_latents(range(64))).mean((0, 2, 3))
    torch.testing.assert_close(means, torch.tensor([92.2, 75.2, 67.6]), atol=1, rtol=0)


def test_describing_the_plugin_does_not_import_torch() -> None:
    code = "import c2l_digiface, sys; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_the_package_one_line_says_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(module, "distribution", absent)
    with pytest.raises(NotDownloaded, match="gan-face-generate") as caught:
        c2l.load_generator("digiface:faces")
    assert caught.value.hint == INSTALL


def test_a_checkpoint_by_path(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, path = DigiFace().eval(), tmp_path / "own.tar"
    torch.save({SAVED_AS: network.state_dict(), "epoch": 3}, path)
    generator = c2l.load_generator(f"digiface:{path}")
    z = generator.sample_latents([1, 2])
    torch.testing.assert_close(generator.synthesize(z), network.synthesize(z))


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.tar"
    for saved in ({"state_dict": {}}, {SAVED_AS: {"main.0.weight": torch.zeros(4, 4)}}, [1]):
        torch.save(saved, path)
        with pytest.raises(BadWeights, match=r"other\.tar") as caught:
            c2l.load_generator(f"digiface:{path}")
        assert caught.value.hint
