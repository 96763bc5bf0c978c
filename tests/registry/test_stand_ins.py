from __future__ import annotations

import pytest

from c2l_registry.stand_ins import ENOUGH, recognise_stand_in
from c2l_registry.switches import is_hub_offline, is_offline, is_on


@pytest.mark.parametrize(
    ("beginning", "what"),
    [
        (b"", "an empty file"),
        (b" \n\t", "an empty file"),
        (b"<!DOCTYPE html>", "a web page"),
        (b"\n  <HTML lang=en>", "a web page"),
        (b"\xef\xbb\xbf<!doctype html>", "a web page"),
        (b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC>', "a web page"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code>', "an error message of a server"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
    ],
)
def test_what_is_never_weights(beginning: bytes, what: str) -> None:
    found = recognise_stand_in(beginning)
    assert found is not None and found.what == what and found.hint


@pytest.mark.parametrize(
    "beginning",
    [
        b"\x80\x02}q\x00",
        b"PK\x03\x04",
        b'{"arch": "ViT"}',
        b"<?xml version='1.0'?><net name='openvino'>",
        b"<headers>",
        b"version = 1",
        b" " * ENOUGH,
    ],
)
def test_what_may_be(beginning: bytes) -> None:
    assert recognise_stand_in(beginning) is None


@pytest.mark.parametrize("text", ["", "0", "false", "No", " OFF "])
def test_off(text: str) -> None:
    assert not is_on("X", {"X": text}) and not is_on("X", {})


def test_offline() -> None:
    assert is_offline({"C2L_OFFLINE": "1"}) and is_hub_offline({"C2L_OFFLINE": "yes"})
    assert is_hub_offline({"HF_HUB_OFFLINE": "1"}) and not is_offline({"HF_HUB_OFFLINE": "1"})
    assert not is_hub_offline({"HF_HUB_OFFLINE": "0", "C2L_OFFLINE": ""})
