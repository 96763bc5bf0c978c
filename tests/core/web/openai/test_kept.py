"""Pictures that are kept for their URLs: for a time, and not too many."""

from __future__ import annotations

from c2l.web.openai.kept import KeptPictures


def test_a_picture_is_kept_for_its_time() -> None:
    now = [0.0]
    kept = KeptPictures(seconds=10, clock=lambda: now[0])
    name = kept.keep(b"data", "image/png", "png")
    now[0] = 9.9
    found = kept.get(name)
    assert found is not None and (found.data, found.media_type) == (b"data", "image/png")
    now[0] = 10.0
    assert kept.get(name) is None


def test_the_oldest_go_first() -> None:
    kept = KeptPictures(most_bytes=10)
    first, second, third = (kept.keep(b"12345", "image/png", "png") for _ in range(3))
    assert [kept.get(name) is None for name in (first, second, third)] == [True, False, False]
    large = kept.keep(b"x" * 100, "image/png", "png")
    assert kept.get(large) is not None and kept.get(third) is None


def test_names_tell_nothing() -> None:
    kept = KeptPictures()
    names = {kept.keep(b"same", "image/webp", "webp") for _ in range(100)}
    assert len(names) == 100 and all(len(name) > 40 for name in names)
    assert kept.get("../kept.py") is None
