"""The table of all ways from text to pictures: what it keeps, and what it concludes."""

from __future__ import annotations

from pathlib import Path

import pytest
from resistance import AUTO, PICKED, TRIED, Bench, Cell, overview, verdicts, words


def cell(accuracy: float, *, diversity: float = 0.5, unfit: float | None = None) -> Cell:
    values = [accuracy - 0.1, accuracy + 0.1]
    return Cell(values, values, {}, [diversity, diversity], 0.1, milliseconds=2.0, unfit=unfit)


def test_cells_are_kept_under_their_rows(tmp_path: Path) -> None:
    bench = Bench("colours", tmp_path)
    assert bench.measured() == {}
    for row in (AUTO, TRIED + "blur+projection, adherence 1.0", "2022 recipe, 4 steps"):
        bench.keep(row, cell(0.5))
    assert bench.measured() == {
        AUTO: cell(0.5),
        TRIED + "blur+projection, adherence 1.0": cell(0.5),
        "2022 recipe, 4 steps": cell(0.5),
    }


def test_what_is_there_is_not_measured_again(tmp_path: Path) -> None:
    bench = Bench("no such world", tmp_path)  # opening it would fail
    bench.keep("ridge", cell(0.5))
    bench.measure(["ridge"])
    with pytest.raises(KeyError):
        bench.measure(["ridge", "neighbours"])


def test_verdicts(capsys: pytest.CaptureFixture[str]) -> None:
    cells = {
        AUTO: cell(0.8, diversity=0.6),
        "neighbours": cell(0.7, diversity=0.3),
        PICKED: cell(1.0, diversity=0.45),
        "2022 recipe, 4 steps": cell(0.5, diversity=0.5),
        TRIED + "blur": cell(0.6, unfit=3.0),
        TRIED + "blur+projection": cell(0.9, unfit=1.0),
        TRIED + "blur+centring": cell(0.7, unfit=2.0),
    }
    overview({"colours": cells, "digits-fixed": {}})
    *_, ways = capsys.readouterr().out.splitlines()
    assert ways == "| colours |  |  | 70.0, 30 |  |  | 80.0, 60 | 100.0, 45 |  |"
    verdicts({"colours": cells, "digits-fixed": {}})
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if line.startswith("| colours"))
    assert [part.strip() for part in row.strip("|").split("|")] == [
        "colours",
        "+10.0 ± 0.0",
        "2.0 times",
        "1.5 times",
        "133",
        "",
    ]
    assert "No prior can be twice as varied as neighbours in colours:" in "\n".join(lines)
    assert "| as accurate as neighbours | colours |  |" in lines
    assert not any(line.startswith("| twice as varied") for line in lines)
    assert "Auto minus the 2022 recipe, 4 steps, in 1 worlds: +30.0 ± 0.0 points" in "\n".join(
        lines
    )


def test_bridges_are_named_without_what_means_nothing_to_them() -> None:
    rest = {"text_noise": 0.25, "pull": 0.5, "nearest": 0.001, "slack": 0.05, "retrieval": False}
    assert words({"gap": "blur", **rest}) == "blur, text_noise 0.25"
    assert words({"gap": "blur+projection", **rest}) == "blur+projection, pull 0.5, text_noise 0.25"
    near = {"gap": "blur+centring+neighbours", **rest}
    asked = "nearest 0.001, pull 0.5, slack 0.05, text_noise 0.25"
    assert words(near) == f"blur+centring+neighbours, {asked}"
    assert words({**near, "retrieval": True}) == "stored latents, nearest 0.001, slack 0.05"
    assert words({"steps": 4}) == "steps 4"
