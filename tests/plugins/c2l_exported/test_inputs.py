"""What an input is, told from its name, its type and its shape."""

from __future__ import annotations

from typing import Any

import pytest

from c2l_exported.facts import Facts
from c2l_exported.inputs import Undecided, find_roles
from c2l_exported.process import Input


def roles(facts: Facts | None = None, **inputs: Any) -> dict[str, str]:
    """The role of each input, which is given as its type and its shape."""
    given = [Input(name=n, type=t, shape=s) for n, (t, s) in inputs.items()]
    return {slot.name: slot.role for slot in find_roles(given, facts or Facts())}


Z = ("float32", [None, 64])
MAP = ("float32", [None, 1, 8, 8])


def test_the_only_input_is_the_latent_whatever_its_name() -> None:
    for name in ("z", "c", "noise", "onnx::Gemm_0", "truncation"):
        assert roles(**{name: Z}) == {name: "latent"}


def test_names_tell() -> None:
    assert roles(z=Z, noise_0=MAP, noise_1=MAP) == {
        "z": "latent",
        "noise_0": "noise",
        "noise_1": "noise",
    }
    assert roles(latents=Z, class_labels=("float32", [None, 10]))["class_labels"] == "label"
    assert roles(z=Z, digit=("int64", [None]))["digit"] == "label"
    assert roles(z=Z, truncation_psi=("float32", []))["truncation_psi"] == "constant"


def test_the_toml_wins() -> None:
    facts = Facts(latent="noise", inputs={"t": 3.0}, noise={"b": (1, 4, 4)})
    found = roles(facts, noise=Z, t=("float32", [None, 1]), b=("tensor", None))
    assert found == {"noise": "latent", "t": "constant", "b": "noise"}


@pytest.mark.parametrize(
    ("inputs", "what", "write"),
    [
        ({"a": Z, "b": Z}, "several inputs that could be the latent: a, b", 'latent = "a"'),
        ({"z": Z, "mood": Z}, "an input 'mood' whose meaning", "inputs = {mood = 1.0}"),
        ({"z": Z, "scale": ("float32", [])}, "'scale' that takes one number", "scale = 1.0"),
        ({"z": Z, "name": ("tensor(string)", [None])}, "of the type tensor(string)", ""),
        ({"label": ("int64", [None])}, "no input that could be the latent", ""),
    ],
)
def test_what_cannot_be_told_says_what_to_write(
    inputs: dict[str, Any], what: str, write: str
) -> None:
    with pytest.raises(Undecided) as error:
        roles(**inputs)
    assert what in error.value.what
    assert write in error.value.write


def test_names_in_the_toml_exist() -> None:
    with pytest.raises(Undecided, match="no input 'psi', which its TOML names under inputs"):
        roles(Facts(inputs={"psi": 0.7}), z=Z)
