"""Checks a part against the laws of its interface."""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from c2l.conformance.law import Breach, Law
from c2l.conformance.laws import LAWS, MINIMUM
from c2l.conformance.looking_up import subject_of, subjects_here, subjects_in
from c2l.conformance.report import RAN, Finding, Report
from c2l.conformance.shared import put_back
from c2l.conformance.subjects import Subject
from c2l.errors import BadInput, C2LError, PluginFailed
from c2l_registry.describing import one_line
from c2l_registry.plugins import did_you_mean

ENOUGH = "enough_laws_are_checked"
"""The law of the kit itself: a part to which hardly any law applies has not been checked."""


def check(
    reference_or_factory: str | Callable[..., Any],
    *,
    expected_failures: Mapping[str, str] = {},  # only read
) -> Report:
    """Check one part against every law of its interface.

    Args:
        reference_or_factory: ``kind:name``; the kind of a prior alone; a class of parts, or a
            function that makes a part. The class of a prior is built with the widths of a small
            world, and trained on it.
        expected_failures: reasons by the names of laws that are known to fail. A law that then
            passes is a failure, so that reasons do not outlive what they excuse.
    Raises:
        BadInput: no such law, or what is given is no part.
        C2LError: as loading a reference does, where that is not its plugin's fault.
    """
    return check_subject(subject_of(reference_or_factory), expected_failures)


def check_file(path: str | Path) -> Iterator[Report]:
    """Check every generator, embedder and prior that a loose plugin file defines.

    Raises:
        UnknownReference: there is no such file.
        PluginFailed: it cannot be imported, or defines none.
    """
    for subject in subjects_in(Path(path)):
        yield check_subject(subject, {})


def check_all(kinds: Collection[str] | None = None) -> Iterator[Report]:
    """Check what the installed plugins offer, as far as it is on this machine.

    Of each kind of generator and embedder, the models that come with its package or, if there are
    none, the smallest that was fetched; of each kind of prior, a new one.

    Args:
        kinds: those to check; None for all.
    """
    for subject in subjects_here(kinds):
        yield check_subject(subject, {})


def assert_conforms(
    reference_or_factory: str | Callable[..., Any],
    *,
    expected_failures: Mapping[str, str] = {},
) -> None:
    """``check`` a part in a test.

    Args:
        reference_or_factory: ``kind:name``, a class, or a function that makes a part.
        expected_failures: laws that the part does not keep yet, each with the reason. One that it
            keeps after all is a failure.
    Raises:
        AssertionError: with the report, unless every other law is kept.
        BadInput: there is no such law.
    """
    report = check(reference_or_factory, expected_failures=expected_failures)
    if not report.passed:
        raise AssertionError(str(report))


def check_subject(subject: Subject[Any], expected: Mapping[str, str]) -> Report:
    """Check a part that was found."""
    laws = LAWS[subject.interface]
    _refuse_unknown(laws, expected)
    findings: dict[str, Finding] = {}
    with contextlib.redirect_stdout(sys.stderr):  # stdout is for the report
        for law in laws:
            findings[law.name] = _expectedly(_apply(law, subject, findings), expected)
    ran = sum(finding.state in RAN for finding in findings.values())
    least = MINIMUM[subject.interface]
    if ran < least and not any(f.state == "fail" for f in findings.values()):
        said = f"only {ran} laws apply; a {subject.interface} answers to {least} or more"
        findings[ENOUGH] = Finding(ENOUGH, "fail", f"{said}; declare less away")
    return Report(subject.name, subject.interface, tuple(findings.values()))


def _apply(law: Law, subject: Subject[Any], findings: Mapping[str, Finding]) -> Finding:
    for name in (needed.__name__ for needed in law.needs):
        if findings[name].state == "not checked":
            return Finding(law.name, "not checked", findings[name].said)
        if findings[name].state in ("fail", "expected failure"):
            return Finding(law.name, "not checked", f"{name} is not kept")
    try:
        with put_back():  # so that one fault breaks one law
            if reason := law.unless(subject):
                return Finding(law.name, "not applicable", reason)
            law.check(subject)
    except Breach as breach:
        return Finding(law.name, "fail", str(breach))
    except C2LError as error:
        if law.name.startswith("it_can_be_") and not isinstance(error, PluginFailed):
            raise  # weights that are damaged or not here, which the user can put right
        return Finding(law.name, "fail", f"{type(error).__name__}: {error}")
    except (Exception, SystemExit) as error:
        return Finding(law.name, "fail", f"{one_line(error)}{_place(error)}")
    return Finding(law.name, "pass")


def _expectedly(finding: Finding, expected: Mapping[str, str]) -> Finding:
    reason = expected.get(finding.law)
    if reason is None or finding.state == "not checked":
        return finding
    if finding.state == "fail":
        return Finding(finding.law, "expected failure", reason)
    what = "is kept" if finding.state == "pass" else "does not apply"
    return Finding(
        finding.law, "fail", f"it {what}, but was expected to fail ({reason}); expect it no longer"
    )


def _refuse_unknown(laws: tuple[Law, ...], expected: Mapping[str, str]) -> None:
    names = [law.name for law in laws]
    for name in expected:
        if name not in names:
            near = did_you_mean(name, names)
            raise BadInput(f"there is no law {name!r}", hint=near, field="expected_failures")


def _place(error: BaseException) -> str:
    """Where something was raised, in the file of the part's author if that is on the way."""
    ours = (str(Path(__file__).parents[1]), str(Path(torch.__file__).parent))
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not frame.filename.startswith((*ours, "<"))]
    return f", raised at {theirs[-1].filename}:{theirs[-1].lineno}" if theirs else ""
