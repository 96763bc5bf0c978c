"""The report of one evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape

from c2l.evaluation.metrics import METRICS
from c2l.evaluation.report.curves import Point, chart
from c2l.evaluation.report.html import fields, grid, page, table
from c2l.evaluation.report.parts import NOTHING, heading, num_in_row, score, strip
from c2l.evaluation.result import Cost, Evaluation, Outcome

_HEADLINE = ("accuracy", "alignment/own", "diversity/own", "cmmd/own", "coverage/own")

_CURVES = ("accuracy", "alignment/own", "alignment/independent", "diversity/own",
           "diversity/latents", "cmmd/own", "cmmd/independent", "coverage/own")  # fmt: skip


def report_page(evaluation: Evaluation) -> str:
    """An evaluation as one HTML document that needs no other file."""
    return page(f"{evaluation.name} - c2l evaluation", _body(evaluation))


def _body(e: Evaluation) -> Iterator[str]:
    yield from _introduction(e)
    yield _tiles(e.variants[0])
    yield "<h2>Scores</h2>"
    yield from _scores(e)
    for axis, other in (("guidance", "steps"), ("steps", "guidance")):
        if charts := "".join(_curves(e, axis, other)):
            yield f'<h2>By {axis}</h2><div class="panels">{charts}</div>'
    if e.variants[0].by_attribute:
        yield "<h2>By attribute</h2>"
        yield _bars(e.variants[0])
    yield "<h2>Cost</h2>"
    yield _costs(e)
    yield "<h2>Pictures</h2>"
    yield from _pictures(e)
    yield "<h2>What the numbers mean</h2>"
    used = [name for name in METRICS if any(name in v.scores for v in e.variants)]
    yield f'<div class="panel">{fields((_full(n), METRICS[n].meaning) for n in used)}</div>'
    yield "<h2>Settings</h2>"
    yield from _settings(e)


def _introduction(e: Evaluation) -> Iterator[str]:
    s = e.settings
    roles = [role for role in ("prior", "generator", "embedder") if s[role]["reference"]]
    parts = [f"{role} {s[role]['reference']}" for role in roles]
    if s["independent"]:
        parts.append(f"scored also by {s['independent']['reference']}")
    yield f"<h1>{escape(e.name)}</h1>"
    yield (
        f'<p class="soft">{escape(_sentence(", ".join(parts)))}.<br>'
        f"{_count(len(s['prompts']), 'prompt')} with {_count(s['num_images'], 'picture')} each, "
        f"compared with {s['num_reference']:,} random pictures of the same generator. "
        "± is one standard error over prompts.</p>"
    )


def _tiles(outcome: Outcome) -> str:
    out = []
    for name in _HEADLINE:
        if name in outcome.scores:
            value, _, error = METRICS[name].text(outcome.scores[name]).partition(" ± ")
            out.append(_tile(_full(name), value, error))
    if outcome.cost:
        out.append(_tile("milliseconds for one picture", f"{outcome.cost.total:.0f}", ""))
    return f'<div class="tiles">{"".join(out)}</div>'


def _tile(title: str, value: str, error: str) -> str:
    error = f"<i>± {error}</i>" if error else ""
    return f'<div class="tile"><b>{value}{error}</b><span>{escape(title)}</span></div>'


def _full(name: str) -> str:
    """A title that stands alone: ``… best of N`` after what it is the best of N of."""
    title = METRICS[name].title
    if not title.startswith("…"):
        return title
    return f"{METRICS[name.removesuffix('/best')].title} {title.removeprefix('… ').rstrip(', %')}"


def _scores(e: Evaluation) -> Iterator[str]:
    outcomes, num = (*e.variants, *e.baselines), e.settings["num_images"]
    yield table(
        ["", *(outcome.label for outcome in outcomes)],
        [
            [heading(metric, num), *(score(metric, o.scores.get(name)) for o in outcomes)]
            for name, metric in METRICS.items()
            if any(name in v.scores for v in e.variants)
        ],
    )
    notes = {"random latents": "Random latents: pictures drawn without looking at the prompts."}
    if num > 1:
        yield (
            f"<p><small>Best of {num}: the picture of a prompt that the recipe's own embedder "
            "ranks first, also where another embedder or the judge scores it.</small></p>"
        )
    notes["true drawings"] = (
        "True drawings: pictures that are right by construction, so whatever is missing from 100 % "
        "is the judge's own error."
    )
    yield f"<p><small>{' '.join(notes[b.label] for b in e.baselines)}</small></p>"


def _curves(e: Evaluation, axis: str, other: str) -> Iterator[str]:
    """The scores that a sweep is about, over one axis; a line for each value of the other."""
    if len({getattr(v, axis) for v in e.variants}) < 2:
        return
    for name in _CURVES:
        if name not in e.variants[0].scores:
            continue
        factor = 100 if METRICS[name].percent else 1
        lines: dict[str, list[Point]] = {}
        for v in e.variants:
            x, fixed, estimate = getattr(v, axis), getattr(v, other), v.scores[name]
            if x is not None:
                error = None if estimate.error is None else factor * estimate.error
                line = lines.setdefault(f"{other} {fixed:g}" if fixed is not None else "", [])
                line.append(Point(x, factor * estimate.value, error))
        if lines:
            yield chart(METRICS[name].title, axis, lines, doubling=axis == "steps")


def _bars(outcome: Outcome) -> str:
    metric = METRICS["accuracy"]
    rows = "".join(
        f"<label>{escape(name.replace('_', ' '))}</label>"
        f'<div><i style="width:{100 * estimate.value:.1f}%"></i></div>'
        f"<span>{metric.text(estimate)} %, {_count(len(estimate.per_prompt), 'prompt')}</span>"
        for name, estimate in outcome.by_attribute.items()
    )
    return f'<div class="panel bars">{rows}</div>'


def _costs(e: Evaluation) -> str:
    costs = [(v.label, v.cost) for v in e.variants if v.cost]
    stages = list(dict.fromkeys(stage for _, cost in costs for stage in cost.alone))
    head = ["ms, one picture alone (in batches)", *stages, "total", "evaluations", "passes"]
    rows = [
        [
            escape(label),
            *(_milliseconds(cost, stage) for stage in stages),
            f"{cost.total:.1f}",
            str(cost.evaluations),
            str(cost.passes),
        ]
        for label, cost in costs
    ]
    _, first = costs[0]
    sizes = ", ".join(f"{name} {num / 1e6:.2f} M" for name, num in first.parameters.items())
    memory = f"; peak memory {first.peak_memory / 2**20:,.0f} MiB" if first.peak_memory else ""
    return table(head, rows) + (
        f"<p><small>On {escape(e.settings['device'])}. Evaluations are calls of the prior's "
        "network for one picture and all its candidates; passes count a call with guidance as "
        f"two. Parameters, statistics included: {sizes}{memory}.</small></p>"
    )


def _milliseconds(cost: Cost, stage: str) -> str:
    if stage not in cost.alone:
        return NOTHING
    batches = cost.in_batches.get(stage)
    return f"{cost.alone[stage]:.1f}" + (
        f' <span class="e">({batches:.1f})</span>' if batches is not None else ""
    )


def _pictures(e: Evaluation) -> Iterator[str]:
    shown = len(e.pictures[0])
    judged = ", after ✗ the attributes that the judge does not see" if e.settings["judge"] else ""
    yield (
        f"<p><small>The first {_count(shown, 'prompt')}. Below each picture: its cosine with the "
        f"prompt by the recipe's own embedder, its seed{judged}. Framed: the best by that "
        "embedder.</small></p>"
    )
    several = len(e.variants) > 1
    cells = []
    for i in range(shown):
        rows = (
            f'<div class="row">{f"<span>{escape(v.label)}</span>" if several else ""}'
            f"{strip(e, k, i)}</div>"
            for k, v in enumerate(e.variants)
        )
        cells.append(f"<h3>{escape(e.settings['prompts'][i])}</h3>{''.join(rows)}")
    yield grid(cells, num_in_row(e), labelled=several)


def _settings(e: Evaluation) -> Iterable[str]:
    s = e.settings
    values: list[tuple[str, object]] = [("recipe", s["recipe"])]
    for role in ("prior", "generator", "embedder", "independent"):
        if part := s[role]:
            values.append((role, f"{part['reference']} ({part['fingerprint'][:16]})"))
            values.append((f"settings of the {role}", _listed(part["settings"])))
    values += [
        ("judge", s["judge"]),
        ("sampling", _listed(s["sampling"])),
        ("variants", "; ".join(v.label for v in e.variants)),
        ("pictures of each prompt", s["num_images"]),
        ("first seed", s["seed"]),
        ("reference pictures", s["num_reference"]),
        ("Inception", _listed(s["inception"] or {})),
        ("device", s["device"]),
        ("versions", _listed(s["versions"])),
    ]
    lines = "".join(f"<li>{escape(prompt)}</li>" for prompt in s["prompts"])
    yield f"<details open><summary>Parts and settings</summary>{fields(values)}</details>"
    yield (
        f"<details><summary>{_count(len(s['prompts']), 'prompt')}</summary><ol>{lines}</ol>"
        "</details>"
    )


def _listed(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items() if value not in (None, ""))


def _count(num: int, noun: str) -> str:
    return f"{num:,} {noun}{'' if num == 1 else 's'}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
