"""The TOML beside an exported file."""

from __future__ import annotations

from pathlib import Path

import pytest

from c2l.errors import BadInput
from c2l_exported.facts import Facts, read_facts


def read(folder: Path, text: str | bytes) -> Facts:
    path = folder / "g.onnx"
    data = text if isinstance(text, bytes) else text.encode()
    path.with_name("g.onnx.toml").write_bytes(data)
    return read_facts(path)


def test_without_one_all_is_found_out(tmp_path: Path) -> None:
    assert read_facts(tmp_path / "g.onnx") == Facts()
    assert Facts().deciding() == {}


def test_what_decides_pictures(tmp_path: Path) -> None:
    facts = read(tmp_path, "\ufeffstd = 2\nlatent_shape = [4, 1, 1]\nlicence = 'MIT'\n")
    assert facts.deciding() == {"std": 2.0, "latent_shape": [4, 1, 1]}
    assert facts.licence == "MIT"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("distribtion = 'normal'", "distribtion is not a key of it"),
        ("distribution = 'gauss'", "distribution must be 'normal', 'truncated' or 'uniform'"),
        ("std = 0", "std"),
        ("mean = nan", "mean"),
        ("latent_shape = []", "latent_shape"),
        ("latent_shape = [0]", "latent_shape"),
        ("latent_shape = [1, 2, 3, 4]", "latent_shape"),
        ("between = [1, -1]", "between begins with the lower number"),
        ("value_range = [1, 1]", "value_range begins with the lower number"),
        ("labels = 3\nlabel = 3", "label is below labels"),
        ("[noise]\neps = 3", "noise.eps"),
        ("std = ", "cannot read"),
        (b"\xff\xfe", "cannot read"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_key(
    text: str | bytes, said: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInput) as error:
        read(tmp_path, text)
    assert said in error.value.message
    assert "g.onnx.toml" in error.value.message
    assert "\n" not in error.value.message
