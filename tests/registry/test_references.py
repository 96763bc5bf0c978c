from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2l_registry import Reference, parse_reference
from c2l_registry.errors import BadReference

kinds = st.from_regex(r"[a-z][a-z0-9-]+", fullmatch=True)
names = st.from_regex(
    r"[A-Za-z0-9][A-Za-z0-9._+@=-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?", fullmatch=True
)
starts = st.sampled_from(["./", "../", "/", "~/", "~user/", "C:\\", "d:/", ".\\"])
tails = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"])).map(str.rstrip)


@given(kinds, names)
def test_kind_and_name(kind: str, name: str) -> None:
    assert parse_reference(f"{kind}:{name}") == Reference(kind, name)
    assert not Reference(kind, name).is_path


@given(starts, tails)
def test_bare_paths(start: str, tail: str) -> None:
    reference = parse_reference(start + tail)
    assert reference == Reference("", start + tail)
    assert reference.is_path


@given(kinds, starts, tails)
def test_paths_of_a_kind(kind: str, start: str, tail: str) -> None:
    reference = parse_reference(f"{kind}:{start}{tail}")
    assert reference == Reference(kind, start + tail)
    assert reference.is_path


@given(st.text())
def test_any_text_parses_and_prints_back_or_is_refused(text: str) -> None:
    try:
        reference = parse_reference(text)
    except BadReference as error:
        assert "kind:name" in error.hint
        assert "\n" not in str(error)
    else:
        assert str(reference) == text
        assert parse_reference(str(reference)) == reference
        assert reference.kind or reference.is_path


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "stylegan",
        "stylegan:",
        ":ffhq",
        "stylegan:ff hq",
        " stylegan:ffhq",
        "stylegan:ffhq\n",
        "stylegan: ffhq",
        "./faces.safetensors ",
        "flow:./faces\n.safetensors",
        "StyleGAN:ffhq",
        "s:ffhq",
        "1gan:ffhq",
        "faces.safetensors",
        "weights/faces.safetensors",
        "C:",
        "stylegan:a/../../b",
        "stylegan:a//b",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(BadReference):
        parse_reference(text)


def test_a_bare_file_name_is_shown_as_the_path_to_type() -> None:
    with pytest.raises(BadReference, match=r"\./faces\.safetensors"):
        parse_reference("faces.safetensors")


def test_home_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert parse_reference("flow:~/faces.safetensors").path == Path("/home/ada/faces.safetensors")
