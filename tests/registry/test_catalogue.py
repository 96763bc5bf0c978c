from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from c2l import hookspecs
from c2l.testing import install_package, on_path, plugin_source
from c2l_registry import Registry
from c2l_registry.errors import BadCard, BadReference, NotDownloaded, UnknownReference

GROUP = "c2l.plugins_of_a_test"

CARDS = """
[[model]]
reference = "gan:faces-16"
summary = "Faces"
licence = "MIT"
file = "faces.bin"
resolution = 16

[[model]]
reference = "gan:faces-8"
summary = "Smaller faces"
licence = "MIT"
file = "gone.bin"

[[model]]
reference = "gan:distant"
summary = "Elsewhere"
licence = "see its page"
urls = ["https://example.org/files/distant%20one.bin?download=true"]
size = 5
sha256 = "0000000000000000000000000000000000000000000000000000000000000000"

[[model]]
reference = "gan:noise"
summary = "No weights at all"
licence = "MIT"

[[model]]
reference = "clip:B-32/open"
summary = "Fetched by its class"
licence = "MIT"

[[recipe]]
name = "faces"
summary = "Faces by text"
generator = "gan:faces-16"
embedder = "clip:B-32/open"
prior = "flow:faces"
settings = { guidance = 2, steps = 8 }
prompts = ["a face"]
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    with on_path(tmp_path / "site") as folder:
        yield folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def registry(site: Path, home: Path) -> Registry:
    install_package(
        site,
        "c2l-of-a-test",
        {
            "gan": plugin_source("gan", cards="cards.toml"),
            "clip": plugin_source("clip", interface="embedder", arguments="open_names=True"),
        },
        group=GROUP,
        files={"cards.toml": CARDS, "faces.bin": "weights"},
    )
    return Registry(hookspecs, group=GROUP, environ={"C2L_HOME": str(home)})


def broken(site: Path, text: str) -> Registry:
    install_package(
        site,
        "c2l-of-a-test-broken",
        {
            "broken": plugin_source("broken", cards="broken.toml"),
            "fine": plugin_source("fine", cards="fine.toml"),
        },
        group=GROUP,
        files={
            "broken.toml": text,
            "fine.toml": '[[model]]\nreference = "fine:a"\nsummary = "A"\nlicence = "MIT"\n',
        },
    )
    return Registry(hookspecs, group=GROUP, environ={})


def test_every_name_and_its_state(registry: Registry) -> None:
    assert [(e.reference, e.interface, e.state) for e in registry.models()] == [
        ("gan", "generator", "built in"),
        ("gan:faces-8", "generator", "missing"),
        ("gan:faces-16", "generator", "embedded"),
        ("gan:noise", "generator", "built in"),
        ("gan:distant", "generator", "to be fetched"),
        ("clip", "embedder", "built in"),
        ("clip:B-32/open", "embedder", "to be fetched"),
        ("direction", "direction", "built in"),
    ]
    assert [e.reference for e in registry.models("embedder")] == ["clip", "clip:B-32/open"]
    assert registry.problems(cards=True) == []


def test_an_embedded_name(registry: Registry, site: Path) -> None:
    spec, source = registry.resolve("gan:faces-16", "generator")
    assert spec.kind == "gan"
    assert source.path == site / "faces.bin"
    assert source.card is not None and source.card.resolution == 16
    with pytest.raises(BadCard, match=r"gone\.bin.*Install c2l-of-a-test again"):
        registry.resolve("gan:faces-8", "generator")


def test_a_distant_name_says_where_its_file_belongs(registry: Registry, home: Path) -> None:
    place = home / "weights" / "gan" / "distant" / "distant_one.bin"
    with pytest.raises(NotDownloaded, match="not on this machine yet") as caught:
        registry.resolve("gan:distant", "generator")
    assert str(place) in str(caught.value)
    assert caught.value.hint == "Fetch it: c2l models pull gan:distant"
    place.parent.mkdir(parents=True)
    place.write_text("12345")
    assert registry.resolve("gan:distant", "generator")[1].path == place
    assert registry.entry("gan:distant").state == "cached"


def test_names_that_the_class_resolves(registry: Registry) -> None:
    listed = registry.resolve("clip:B-32/open", "embedder")[1]
    assert listed.path is None and listed.card is not None
    unlisted = registry.resolve("clip:B-99/mine", "embedder")[1]
    assert unlisted.path is None and unlisted.card is None
    assert registry.resolve("gan:noise", "generator")[1].path is None


def test_paths(registry: Registry, tmp_path: Path) -> None:
    file = tmp_path / "my own.bin"
    file.touch()
    source = registry.resolve(f"gan:{file}", "generator")[1]
    assert (source.path, source.card) == (file, None)
    with pytest.raises(UnknownReference, match="no file or folder"):
        registry.resolve("gan:./nowhere.bin", "generator")
    with pytest.raises(BadReference, match=rf"Write one of gan:{file}"):
        registry.resolve(str(file), "generator")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("gan:face-16", "Did you mean gan:faces-16"),
        ("gan:Faces-16", "Did you mean gan:faces-16"),
        (
            "gan:zebra",
            r"there is no generator gan:zebra\. List the names: `c2l models list kind=generator`$",
        ),
        ("clip:B-32/open", "clip is a kind of embedder, not of generator"),
        ("gna:faces-16", "Did you mean gan"),
    ],
)
def test_unknown_names_get_the_nearest(registry: Registry, text: str, answer: str) -> None:
    with pytest.raises(UnknownReference, match=answer):
        registry.resolve(text, "generator")


def test_a_name_without_its_kind(registry: Registry) -> None:
    with pytest.raises(BadReference, match=r"Did you mean gan:faces-16"):
        registry.resolve("faces-16", "generator")


def test_rows_by_name(registry: Registry) -> None:
    assert registry.entry("gan").card is None
    assert registry.entry("gan:faces-16").state == "embedded"
    with pytest.raises(UnknownReference, match="Did you mean gan:faces-16"):
        registry.entry("gan:face-16")


def test_recipes(registry: Registry) -> None:
    assert list(registry.recipes()) == ["faces"]
    recipe = registry.recipe("faces")
    assert recipe.settings.model_dump(exclude_none=True) == {"guidance": 2.0, "steps": 8}
    assert recipe.prompts == ("a face",)
    with pytest.raises(UnknownReference, match="Did you mean faces"):
        registry.recipe("face")


MODEL = '[[model]]\nreference = "broken:a"\nsummary = "A"\nlicence = "MIT"\n'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[model", "cannot be read"),
        (MODEL + "colour = 'red'\n", r"\[\[model\]\] broken:a, colour: an unknown key"),
        (MODEL.replace("licence", "license"), r"broken:a, licen[cs]e: "),
        (MODEL + "size = '12'\n", r"broken:a, size: not a whole number"),
        (MODEL + "resolution = 0\n", r"broken:a, resolution: not above 0"),
        (MODEL + "sha256 = 'abc'\n", r"broken:a, sha256: "),
        (MODEL + "file = '../../etc/passwd'\n", r"broken:a, file: must be a path below"),
        (MODEL + "file = '/etc/passwd'\n", r"broken:a, file: must be a path below"),
        (MODEL + "urls = ['ftp://x']\n", r"broken:a, urls\.0: "),
        (MODEL.replace("broken:a", "broken"), r"broken, reference: 'broken' is neither kind:name"),
        (MODEL.replace("broken:a", "broken:./a"), "reference: must be kind:name, not a path"),
        (MODEL.replace('"A"', '"A\\nB"'), "summary: "),
        ("[[model]]\n", r"\[\[model\]\] number 1, reference: missing"),
        ("[[recipe]]\nname = 'Big Name'\n", "Big Name, name: "),
        ("[[recipes]]\nname = 'a'\n", "recipes: an unknown key"),
        ("model = 3\n", "model: not a list"),
        (MODEL + MODEL, "on two cards"),
    ],
)
def test_a_broken_card_file_is_one_line_and_breaks_nothing_else(
    site: Path, text: str, reason: str
) -> None:
    opened = broken(site, text)
    assert [e.reference for e in opened.models()] == ["broken", "fine", "fine:a", "direction"]
    (problem,) = opened.problems(cards=True)
    assert isinstance(problem, BadCard)
    assert "\n" not in str(problem) and str(site / "broken.toml") in str(problem)
    with pytest.raises(BadCard, match=reason):
        raise problem
    states = {record.name: record.state for record in opened.describe(cards=True)}
    assert states == {"broken": "failed", "fine": "available"}
    assert list(opened.kinds()) == ["broken", "fine"]
    with pytest.raises(UnknownReference, match=r"broken\.toml"):
        opened.resolve("broken:a", "generator")


def test_a_card_file_in_another_encoding(site: Path) -> None:
    opened = broken(site, "")
    (site / "broken.toml").write_bytes(b"[[model]]\nsummary = '\xff\xfe'\n")
    (problem,) = opened.problems(cards=True)
    assert "cannot be read" in str(problem)


def test_without_c2l_home_the_platform_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    from platformdirs import user_cache_path

    from c2l_registry.weights import home_folder

    assert home_folder({}) == user_cache_path("c2l", appauthor=False)
    monkeypatch.setenv("HOME", "/home/ada")
    assert home_folder({"C2L_HOME": "~/c2l"}) == Path("/home/ada/c2l")
