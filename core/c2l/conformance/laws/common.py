"""What all interfaces promise, and the tools that their laws share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from c2l.conformance.law import Breach, Law, require
from c2l.conformance.shared import SHARED
from c2l.conformance.subjects import Subject
from c2l.conformance.uses import answers_of
from c2l.errors import BadInput
from c2l.looks import look_at_settings, wrong_tensor
from c2l.part import Part
from c2l.trial import hidden_numbers_changed

AnySubject = Subject[Any]

EIGHT_SEEDS = (5, 3, 9, 0, 7, 1, 2, 8)
LARGE_SEEDS = (0, 2**32, 2**63, 2**64 - 1)
BATCHES = (1, 3, 8)

NEAR = 1e-4
"""Of the largest value: what rounding may do."""

MOST_SECONDS = 0.05

MOST_TENSORS = 12
"""So many of a state's tensors are changed, one by one, to see what follows from it."""


# -- tools


def require_ready(part: Part) -> None:
    """Raises unless a part is in eval mode and asks for no gradients."""
    training = [name or "the part" for name, m in part.named_modules() if m.training]
    require(not training, f"{', '.join(training[:3])} is in training mode", "end with .eval()")
    asking = [name for name, parameter in part.named_parameters() if parameter.requires_grad]
    require(
        not asking, f"{', '.join(asking[:3])} asks for gradients", "end with .requires_grad_(False)"
    )


def require_look(what: str, wrong: str) -> None:
    """Raises ``Breach`` with what a look of ``c2l.looks`` found, if it found anything."""
    require(not wrong, f"{what} {wrong}")


def require_tensor(tensor: Any, shape: tuple[int, ...], part: Part, what: str) -> None:
    """Raises unless ``tensor`` is finite float32 of this shape on the part's device."""
    wrong = wrong_tensor(part, tensor, shape)
    require(not wrong, f"{what} are {wrong}")


def require_near(actual: Tensor, expected: Tensor, seen: str, do: str = "") -> None:
    """Raises unless two tensors are equal but for rounding, which may grow with their size."""
    require(actual.shape == expected.shape, seen, do)
    if not expected.numel():
        return
    away = distance(actual, expected)
    require(away <= NEAR, f"{seen} (by {away:.2g} of the largest value)", do)


def distance(actual: Tensor, expected: Tensor) -> float:
    """The largest difference, as a part of the largest value above 1; NaN is far from all."""
    scale = max(1.0, float(expected.detach().abs().max()))
    away = float((actual - expected).detach().abs().max()) / scale
    return away if away == away else float("inf")


def require_distinct(drawn: Sequence[Tensor], seen: Callable[[int, int], str], do: str) -> None:
    """Raises if two of these are equal.

    Args:
        seen: what to say of those in two places.
    """
    for (i, one), (j, other) in combinations(enumerate(drawn), 2):
        require(not torch.equal(one, other), seen(i, j), do)


def refuses(call: Callable[[], Any], what: str) -> None:
    """Raises unless ``call`` raises ``BadInput``."""
    try:
        call()
    except BadInput:
        return
    except Exception as error:
        name = type(error).__name__
        raise Breach(f"{what} ends in {name}", "raise c2l.errors.BadInput") from error
    raise Breach(f"{what} is accepted", "raise c2l.errors.BadInput")


@contextmanager
def nothing_shared_changes() -> Iterator[None]:
    """Raises if what runs inside changes state that the rest of the process can see."""
    before = {name: shared.read() for name, shared in SHARED.items()}
    yield
    for name, shared in SHARED.items():
        require(_equal(shared.read(), before[name]), f"{name} changed", "leave it as it was")


def _equal(value: Any, other: Any) -> bool:
    return (
        repr(value) == repr(other) if not isinstance(value, Tensor) else torch.equal(value, other)
    )


# -- conditions


def stays_here(subject: AnySubject) -> str:
    return subject.stays_here


def has_no_state(subject: AnySubject) -> str:
    """For parts such as a session of another library, whose file is in their settings."""
    return "" if subject.part.state_dict() else "no parameters or buffers"


def no_plugin(subject: AnySubject) -> str:
    return "" if subject.plugin else "not of an installed plugin"


# -- laws


def describing_its_plugin_is_light(subject: AnySubject) -> None:
    """No torch, and at most 50 ms of CPU: every command of every user waits for it.

    A plugin's module describes; the class that it names, with all that it imports, is loaded when
    it is used.
    """
    described = subject.description()
    require(
        not described.heavy,
        f"describing the plugin imports {', '.join(described.heavy)}",
        "import it in the module of the class",
    )
    seconds = described.seconds
    if seconds > MOST_SECONDS:  # the second time, compiled code is at hand
        seconds = subject.description(again=True).seconds
    require(seconds <= MOST_SECONDS, f"describing the plugin takes {seconds:.2f} s", "do it later")


def describing_its_plugin_only_describes(subject: AnySubject) -> None:
    """No file is written, no network asked, no process started, nothing global is changed.

    People list their plugins to see what is there, and do not expect that something happens.
    """
    deeds = subject.description().deeds
    require(not deeds, f"while it is described the plugin {'; '.join(deeds)}", "do it in `load`")


def using_it_does_not_end_the_process(subject: AnySubject) -> None:
    """A part raises errors; it never calls ``sys.exit`` or ``os._exit``, and does not crash.

    Whoever draws a thousand pictures in one process would lose them all. It is used in another
    process first, which may end.
    """
    ended = subject.use_elsewhere.ended
    require(not ended, f"the process that used it was ended {ended}", "raise an error instead")


FIRST_LAWS: tuple[Law, ...] = (
    Law(describing_its_plugin_is_light, unless=no_plugin),
    Law(
        describing_its_plugin_only_describes,
        needs=(describing_its_plugin_is_light,),
        unless=no_plugin,
    ),
    Law(using_it_does_not_end_the_process, unless=stays_here),
)
"""Those that every part has to keep before it is looked at in this process."""


def settings_can_be_stored(subject: AnySubject) -> None:
    """``settings`` is a table that JSON can hold: it goes into fingerprints and files."""
    require_look("`settings`", look_at_settings(subject.part, subject.part.settings(), None))


def it_is_loaded_to_be_used(subject: AnySubject) -> None:
    """In eval mode, its weights frozen: dropout and batch statistics are for training alone."""
    require_ready(subject.part)


def the_fingerprint_follows_the_state(subject: AnySubject) -> None:
    """64 hex digits, other ones as soon as any weight is another, and back again with it.

    A prior stores the fingerprints of the parts it was trained for, to refuse all others.
    """
    part = subject.part
    first = part.fingerprint()
    fine = isinstance(first, str) and len(first) == 64 and set(first) <= set("0123456789abcdef")
    require(fine, f"`fingerprint` gives {first!r}, not 64 hex digits")
    require(part.fingerprint() == first, "`fingerprint` gives another one when it is asked again")
    tensors = [(n, t) for n, t in part.state_dict().items() if t.numel()]
    for name, tensor in tensors[:: -(-len(tensors) // MOST_TENSORS) or 1]:
        kept = tensor.clone()
        try:
            _change(tensor)
            require(part.fingerprint() != first, f"the fingerprint does not depend on {name}")
        finally:
            with torch.no_grad():
                tensor.copy_(kept)
        require(part.fingerprint() == first, "the fingerprint does not come back with the weights")


def made_again_it_is_the_same(subject: AnySubject) -> None:
    """Loaded twice, it has one fingerprint and gives one answer: nothing is left to chance."""
    other = subject.another()
    require(
        other.fingerprint() == subject.part.fingerprint(),
        "made again, it has another fingerprint",
        "load all weights from the source; draw none",
    )
    require_same(subject, answers_of(other), "made again, it", "load all weights from the source")


def another_process_gets_the_same_answers(subject: AnySubject) -> None:
    """Pictures are drawn again from their records, elsewhere and later.

    So nothing hangs on a process: no hash of a text, no address, no clock.
    """
    outcome = subject.answers_elsewhere()
    require(not outcome.raised, f"in another process it fails: {outcome.raised}")
    require(not outcome.ended, f"another process was ended {outcome.ended}")
    require_same(subject, outcome.answers, "in another process it", "use no hash(), id() or time()")


def the_number_of_threads_does_not_matter(subject: AnySubject) -> None:
    """torch sums in another order with another number of threads, which is rounding, no more."""
    num = torch.get_num_threads()
    torch.set_num_threads(2 if num == 1 else 1)
    try:
        answers = answers_of(subject.part)
    finally:
        torch.set_num_threads(num)
    require_same(subject, answers, "with another number of threads it")


def all_numbers_lie_in_the_state(subject: AnySubject) -> None:
    """Tensors and arrays that decide an answer are parameters or buffers.

    Others are in no fingerprint, are not saved, and stay behind when the part moves to a GPU.
    """
    fresh = subject.another()  # which remembers nothing yet that it computed from its state
    subject.answers  # noqa: B018  # as they are before anything is changed
    for name in [n for n in hidden_numbers_changed(fresh) if _answers_differ(subject, fresh)]:
        raise Breach(
            f"{name!r}, which is neither a parameter nor a buffer, decides the answer",
            "keep it with register_buffer",
        )


def the_state_decides_the_answers(subject: AnySubject) -> None:
    """Other weights give other answers, and the old ones, loaded again, the old answers.

    Numbers that are computed from weights once and kept would survive ``load_state_dict``.
    """
    other = subject.another()
    state = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    for tensor in other.state_dict().values():
        _change(tensor)
    require(
        _answers_differ(subject, other),
        "with all its weights changed it answers as before",
        "compute with the parameters and buffers themselves",
    )
    other.load_state_dict(state)
    require_same(subject, answers_of(other), "with its state loaded again it")


def require_same(
    subject: AnySubject, answers: Mapping[str, Tensor], who: str, do: str = ""
) -> None:
    """Raises unless answers are those of the subject's part but for rounding."""
    for name, answer in subject.answers.items():
        require_near(answers[name], answer, f"{who} gives another answer to `{name}`", do)


def _answers_differ(subject: AnySubject, other: Part) -> bool:
    """Whether another part answers otherwise; an error is another answer."""
    wanted = subject.answers
    try:
        answers = answers_of(other)
    except Exception:
        return True
    return any(
        answers[name].shape != answer.shape or distance(answers[name], answer) > NEAR
        for name, answer in wanted.items()
    )


def _change(tensor: Tensor) -> None:
    with torch.no_grad():
        if tensor.dtype == torch.bool:
            tensor.logical_not_()
        elif tensor.is_floating_point() or tensor.is_complex():
            tensor.mul_(1.5).add_(0.5)
        else:
            tensor.add_(1)
