"""Third-party plugins: described in a child process, once.

Their modules may do anything while they are imported: end the process, take seconds, import torch,
print. So a child process imports them and reports what they offer. The answer is cached
(``c2l_registry.description_cache``) until one of its files changes. After that a plugin costs one
line of a file, and its code runs only when something of it is used.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from c2l_registry.describing import Description, Told
from c2l_registry.description_cache import Answer, Memory, Row
from c2l_registry.kinds import KindSpec
from c2l_registry.plugins import PluginRecord

IN_CHILD = "_C2L_DESCRIBING"
"""Set in the child, where a plugin that looks around would otherwise start children without end."""

SECONDS = 60
"""After which a plugin that has not answered is given up."""

_SLOW = 0.25
_MOST_PRINTED = 2000


def describe_third_party(
    rows: Sequence[Row], hookspecs: ModuleType, group: str, environ: Mapping[str, str]
) -> dict[PluginRecord, Description]:
    """What plugins that do not come with c2l offer: as they are remembered, or else asked now."""
    if IN_CHILD in os.environ:
        return {}
    memory = Memory(environ)
    answers = {row: known for row in rows if (known := memory.recall(row))}
    new = [row for row in rows if row not in answers]
    if new:
        told = _ask_all(new, hookspecs, group)
        memory.keep(told)
        answers |= told
    return {
        row[0]: _described(row[0], answers[row], "in a child" if row in new else "remembered")
        for row in rows
    }


def _ask_all(rows: Sequence[Row], hookspecs: ModuleType, group: str) -> dict[Row, Answer]:
    """Have a child describe each plugin, several at a time."""
    children: list[subprocess.Popen[bytes]] = []
    ask = partial(_ask, hookspecs=hookspecs.__name__, group=group, children=children)
    with ThreadPoolExecutor(min(len(rows), os.cpu_count() or 1)) as pool:
        try:
            answers = list(pool.map(ask, (record for record, _ in rows)))
        except BaseException:  # Ctrl-C: nobody waits for the slowest
            pool.shutdown(wait=False, cancel_futures=True)
            for child in children:
                child.kill()
            raise
    return dict(zip(rows, answers, strict=True))


def _ask(
    record: PluginRecord, *, hookspecs: str, group: str, children: list[subprocess.Popen[bytes]]
) -> Answer:
    """Have a child describe one plugin; the child is in ``children`` meanwhile."""
    question = {"record": asdict(record), "hookspecs": hookspecs, "group": group}
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    with subprocess.Popen(
        # -P: no module of the current folder takes the place of one of Python's.
        [sys.executable, "-P", "-m", "c2l_registry.describing_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, IN_CHILD: "1", "PYTHONPATH": paths},
    ) as child:
        children.append(child)
        late = False
        try:
            said, printed = child.communicate(json.dumps(question).encode(), SECONDS)
        except subprocess.TimeoutExpired:
            late = True
            child.kill()
            said, printed = child.communicate()
        children.remove(child)
    try:
        answer: Answer = json.loads(said)
    except ValueError:
        answer = _no_answer(
            f"it does not answer within {SECONDS} s of its import"
            if late
            else f"it ends the process while it is imported, with exit code {child.returncode}"
        )
    answer["output"] = printed.decode("utf-8", "replace").strip()[-_MOST_PRINTED:]
    return answer


def _no_answer(error: str) -> Answer:
    return {"state": "failed", "error": error, "traceback": "", "rests_on": [], "missing": []}


def _described(record: PluginRecord, answer: Answer, told: Told) -> Description:
    kinds = {spec["kind"]: _spec(spec) for spec in answer.get("kinds", ())}
    record = replace(
        record,
        state=answer["state"],
        error=answer["error"],
        traceback=answer["traceback"],
        summary=answer.get("summary") or record.summary,
        kinds=tuple(kinds) if answer["state"] == "available" else (),
        note="" if record.file else _note(answer),  # a loose file may well hold its class
        output=answer["output"],
    )
    cards = [Path(path) for path in answer.get("cards", ())]
    return Description(
        record,
        kinds,
        cards,
        answer.get("faults", {}),
        hooks=answer.get("hooks", []),
        seconds=answer.get("seconds", 0.0),
        told=told,
    )


def _spec(fields: Mapping[str, Any]) -> KindSpec:
    return KindSpec(**{**fields, "requires": tuple(fields["requires"])})


def _note(answer: Answer) -> str:
    """What makes the plugin slow to describe, in one line; empty if nothing does."""
    facts = []
    if answer.get("heavy"):
        facts.append(f"imports {' and '.join(answer['heavy'])}")
    if (seconds := answer.get("seconds", 0.0)) > _SLOW:
        facts.append(f"takes {seconds:.1f} s")
    return f"{' and '.join(facts)} to be described; once, then it is remembered" if facts else ""
