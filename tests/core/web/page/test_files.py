"""The page as files: small, closed to other hosts, and asked for cheaply."""

from __future__ import annotations

import gzip
import re

import httpx2
import pytest

from c2l.web.page.routes import FILES, page_files


def test_it_is_small() -> None:
    assert sum(len(file.plain) for file in page_files().values()) < 120_000


def test_it_names_no_other_host() -> None:
    allowed = {"http://www.w3.org/2000/svg"}
    for path in FILES.rglob("*.*"):
        assert set(re.findall(r"https?://[^\s\"'`$]+", path.read_text(encoding="utf-8"))) <= allowed


def test_it_fetches_its_modules_early() -> None:
    html = page_files()["index.html"].plain.decode()
    early = set(re.findall(r"modulepreload href=page/([^>]+)>", html))
    assert early == {name for name in page_files() if name.endswith(".js")}


def test_it_may_do_nothing_but_what_it_brings(client: httpx2.Client) -> None:
    answer = client.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_it_is_sent_packed_and_once(client: httpx2.Client) -> None:
    answer = client.get("/page/main.js", headers={"Accept-Encoding": "gzip"})
    plain = client.get("/page/main.js", headers={"Accept-Encoding": "identity"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert answer.text == plain.text == page_files()["main.js"].plain.decode()
    assert gzip.decompress(page_files()["main.js"].packed) == page_files()["main.js"].plain
    again = client.get("/page/main.js", headers={"If-None-Match": f'"x", {answer.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    head = client.head("/")
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    "path",
    ["/page/no.js", "/page/", "/page/../routes.py", "/page/..%2froutes.py", "/page//etc/passwd"],
)
def test_no_path_leads_out(client: httpx2.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]["message"]
