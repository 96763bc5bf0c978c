"""Addresses of stores say where something is, and nothing else."""

from __future__ import annotations

import pytest

from c2l_registry import Reference, parse_reference
from c2l_registry.addresses import check_address, is_address, shortened_address
from c2l_registry.errors import BadPath
from c2l_registry.references import means_a_path

SECRET = "wJalr/XUtn+FEMI"


@pytest.mark.parametrize(
    "text", ["s3://b/x", "gs://b/x", "hf://buckets/me/b/x", "memory://x", "HTTPS://host/x"]
)
def test_an_address_begins_with_a_scheme(text: str) -> None:
    assert is_address(text)
    assert check_address(text) == text


@pytest.mark.parametrize("text", ["./x", "/x", "C:/x", "C://x", "flow:x", "x", "s3:/b/x", "//b"])
def test_paths_and_names_are_none(text: str) -> None:
    assert not is_address(text)


@pytest.mark.parametrize(
    "text",
    [
        f"s3://AKIA:{SECRET}@bucket/x",
        f"sftp://me:{SECRET}@host/x",
        f"https://host/x?X-Amz-Signature={SECRET}",
        f"s3://bucket/x?token={SECRET}",
        f"simplecache::s3://me:{SECRET}@bucket/x",
    ],
)
def test_what_holds_a_key_is_refused_and_not_repeated(text: str) -> None:
    for call in (check_address, parse_reference, lambda given: parse_reference(f"flow:{given}")):
        with pytest.raises(BadPath) as caught:
            call(text)
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize("text", ["s3://", "s3:///", "s3://b/../x", "s3://b/./x", "s3://b/\nx"])
def test_what_names_no_place_is_refused(text: str) -> None:
    with pytest.raises(BadPath):
        check_address(text)


def test_names_may_have_any_letters() -> None:
    for text in ("s3://b/a b/ü#%20.bin", "sftp://me@host:22/x", "hf://me/repo@v1/x", "s3://b/a@b"):
        assert check_address(text) == text


def test_a_reference_may_be_an_address() -> None:
    assert parse_reference("s3://b/x.safetensors") == Reference("", "s3://b/x.safetensors")
    named = parse_reference("flow:s3://b/x.safetensors")
    assert named == Reference("flow", "s3://b/x.safetensors")
    assert named.is_address and not named.is_path and not named.in_catalogue
    assert means_a_path("flow:s3://b/x") and means_a_path("s3://b/x")
    assert parse_reference("flow:demo-faces").in_catalogue
    assert not parse_reference("flow:./x").is_address


def test_what_pathlib_makes_of_an_address_is_known() -> None:
    assert shortened_address("s3:/b/x") == "s3"
    assert shortened_address("C:/x") == shortened_address("/b/x") == shortened_address("x") == ""
