"""Building blocks of a page: tables, fields, pictures, and the style sheet."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --card: #ffffff; --ink: #1d1c1a; --soft: #6b6862; --line: #e4e1da;
  --accent: #0f6f78; --wash: #eef5f4; --shade: rgb(0 0 0 / 14%); --good: #1d7a46; --bad: #b3403a;
  --c0: #0f6f78; --c1: #c8622a; --c2: #6a56b0; --c3: #3f7d3a; --c4: #b0486f; --c5: #8a6d1f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16181a; --card: #1e2124; --ink: #e9e7e2; --soft: #a09c94; --line: #33373b;
    --accent: #5cc3c9; --wash: #1f2d2f; --shade: rgb(0 0 0 / 55%); --good: #6fce97; --bad: #f0918a;
    --c0: #5cc3c9; --c1: #f0a06a; --c2: #b3a2f2; --c3: #8ccf85; --c4: #ef94b5; --c5: #dcc06a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 1168px; padding: 48px 24px 96px; background: var(--paper);
  color: var(--ink); font: 15px/1.55 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
h1 { margin: 0; font-size: 30px; line-height: 1.2; letter-spacing: -0.01em; }
h2 { margin: 56px 0 14px; font-size: 20px; letter-spacing: -0.005em; }
p { margin: 8px 0; max-width: 72ch; }
.soft, figcaption, small { color: var(--soft); }
small { font-size: 13px; }
code { font: 13px ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.tiles {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(158px, 1fr)); gap: 12px;
  margin-top: 28px;
}
.tile, .panel {
  background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px;
}
.tile b { display: block; font-size: 25px; font-weight: 600; line-height: 1.3;
  white-space: nowrap; font-variant-numeric: tabular-nums; }
.tile b i { font: 13px system-ui, sans-serif; color: var(--soft); margin-left: 5px; }
.tile span { color: var(--soft); font-size: 13px; display: block; line-height: 1.4; }
/* A shadow at the right edge as long as there is more to scroll to. */
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: 10px;
  background:
    linear-gradient(to left, var(--card), var(--card)) right / 28px 100% no-repeat local,
    linear-gradient(to left, var(--shade), transparent) right / 14px 100% no-repeat scroll,
    var(--card); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums;
  font-size: 14px; }
th, td { padding: 6px 12px; text-align: right; white-space: nowrap; }
th { min-width: 7em; white-space: normal; text-wrap: balance; }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0;
  background: var(--card); }
thead th {
  font-weight: 600; font-size: 13px; vertical-align: bottom; border-bottom: 1px solid var(--line);
}
tbody tr + tr td { border-top: 1px solid var(--line); }
td .e { color: var(--soft); font-size: 12px; }
.sub { padding-left: 14px; color: var(--soft); }
.good { color: var(--good); } .bad { color: var(--bad); }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(330px, 1fr)); gap: 16px; }
figure { margin: 0; }
figcaption { font-size: 13px; margin-bottom: 4px; }
svg { display: block; width: 100%; height: auto; }
svg text { font: 13px system-ui, sans-serif; fill: var(--soft); }
svg .grid { stroke: var(--line); } svg .axis { stroke: var(--soft); }
.key { display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 13px; color: var(--soft); }
.key i { display: inline-block; width: 14px; height: 3px; border-radius: 2px;
  margin-right: 6px; vertical-align: middle; }
.bars { display: grid; grid-template-columns: max-content 1fr max-content; gap: 6px 14px;
  align-items: center; }
.bars div { background: var(--wash); border-radius: 4px; height: 12px; }
.bars div i { display: block; height: 12px; border-radius: 4px; background: var(--accent); }
.bars span { font-variant-numeric: tabular-nums; color: var(--soft); font-size: 13px; }
.bars label { font-size: 14px; }
.prompts { display: grid; gap: 28px 32px; margin-top: 20px; }
.prompt h3 { margin: 0 0 8px; font-size: 15px; font-weight: 600; }
.prompt h3 small { font-weight: 400; margin-left: 8px; }
.row { display: flex; gap: 14px; align-items: flex-start; margin-bottom: 8px; }
.row > span { flex: 0 0 11em; overflow-wrap: anywhere; font-size: 13px; color: var(--soft);
  padding-top: 2px; }
.strip { display: flex; flex-wrap: wrap; gap: 8px; }
.strip figure { width: 112px; }
.strip img { width: 112px; height: auto; display: block; border-radius: 6px;
  outline: 1px solid var(--line); outline-offset: -1px; }
.strip .best img { outline: 3px solid var(--accent); outline-offset: 0; }
.strip figcaption { font-size: 11px; margin: 3px 0 0; line-height: 1.3; }
details { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 10px 16px; }
details + details { margin-top: 10px; }
summary { cursor: pointer; font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; margin: 12px 0 4px; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
ol { columns: 2; column-gap: 32px; padding-left: 28px; font-size: 13px; }
@media (max-width: 640px) {
  body { padding: 28px 14px 64px; } ol { columns: 1; }
  .row { flex-direction: column; gap: 4px; } .row > span { flex: none; }
  dl { grid-template-columns: 1fr; }
}
@media print { details { border: 0; } .wide { overflow: visible; } }
"""


def page(title: str, body: Iterable[str]) -> str:
    """A whole HTML document."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Headings, which are text, and rows of HTML cells."""
    cells = "".join(f"<th>{escape(text)}</th>" for text in head)
    lines = "".join(
        "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>\n" for row in rows
    )
    return (
        f'<div class="wide"><table><thead><tr>{cells}</tr></thead>\n'
        f"<tbody>{lines}</tbody></table></div>"
    )


def fields(values: Iterable[tuple[str, object]]) -> str:
    """Names and values as a list; empty values are left out."""
    rows = (
        f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>"
        for name, value in values
        if value not in (None, "", (), [], {})
    )
    return f"<dl>{''.join(rows)}</dl>"


def grid(cells: Iterable[str], num_pictures: int, *, labelled: bool) -> str:
    """Cells with ``num_pictures`` in a row each, side by side where the window is wide enough."""
    width = 120 * num_pictures + (170 if labelled else 0)
    columns = f"repeat(auto-fill, minmax(min(100%, {width}px), 1fr))"
    inside = "\n".join(f'<div class="prompt">{cell}</div>' for cell in cells)
    return f'<div class="prompts" style="grid-template-columns: {columns}">{inside}</div>'


def picture(data: bytes, caption: str, *, alt: str, best: bool = False) -> str:
    """A WebP file inside the page; ``caption`` is HTML."""
    return (
        f"<figure{' class=best' if best else ''}>"
        f'<img src="data:image/webp;base64,{base64.b64encode(data).decode()}" '
        f'alt="{escape(alt, quote=True)}"><figcaption>{caption}</figcaption></figure>'
    )
