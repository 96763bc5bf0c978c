"""Domains: the shipped lists, which one suits, and the user's own prompts."""

from __future__ import annotations

from pathlib import Path

import pytest

from c2l.errors import BadInput
from c2l.prompts.domains import domain_names, find_domain, unrelated_prompts


def test_the_shipped_lists_are_varied() -> None:
    assert domain_names() == ("animals", "faces", "general", "landscapes")
    for name in domain_names():
        prompts = find_domain(name, "").prompts
        assert len(prompts) >= 60
        assert len({p.lower() for p in prompts}) == len(prompts)
        assert all(p == p.strip() and not p.startswith("#") for p in prompts)
    assert len(find_domain("faces", "").prompts) >= 150
    assert len(find_domain("landscapes", "").prompts) >= 150
    assert "Hatsune Miku" in unrelated_prompts()


@pytest.mark.parametrize(
    ("generator", "name"),
    [
        ("stylegan:demo-faces", "faces"),
        ("stylegan:ffhq-1024", "faces"),  # says so in its card alone
        ("stylegan:lhq-256", "landscapes"),
        ("stylegan:afhqcat-512", "animals"),
        ("stylegan:./network.safetensors", "general"),
    ],
)
def test_the_list_that_suits_a_generator(generator: str, name: str) -> None:
    assert find_domain(None, generator).name == name


def test_judging_and_fitting_share_no_prompt() -> None:
    domain = find_domain("faces", "")
    assert not set(domain.for_judging) & set(domain.for_fitting)
    assert len(domain.for_judging) + len(domain.for_fitting) == len(domain.prompts)
    assert len(domain.for_judging) >= 32


def test_the_users_own_prompts(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    prompts = tuple(f"a car with {n} doors" for n in range(10))
    path.write_text("\n".join(prompts), encoding="utf-8")
    domain = find_domain(str(path), "stylegan:demo-faces")
    assert (domain.name, domain.prompts) == ("mine.txt", prompts)
    assert domain.specific and not find_domain("general", "").specific


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"a car\n\n\na bus\n", "holds 2 prompts, too few"),
        ("ein Gemälde\n".encode("latin-1"), "not in UTF-8"),
        ("a car\n".encode("utf-16"), "not in UTF-8"),
        (b"", "holds no prompt"),
        (b"a car\n", "mine.txt holds 1 prompt, too few"),
        (b"a\nb\nc\nd\ne\nf\ng\nh\ni\n", "holds 9 prompts, .* Write 10 or more"),
    ],
)
def test_files_of_prompts_that_cannot_be_used(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "mine.txt"
    path.write_bytes(data)
    with pytest.raises(BadInput, match=says):
        find_domain(str(path), "")
