"""Who is one of several, when one of them hangs, and who starts them again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from c2l.errors import BadInput, ExitCode, IncompatibleParts
from c2l.ranks import Launch, Ranks, find_member
from c2l.ranks.group import JoinedRanks
from c2l.ranks.heartbeat import TIMEOUT, Beat, Heard, State, timeout
from c2l.ranks.member import Member

ELASTIC = {
    "RANK": "3",
    "WORLD_SIZE": "4",
    "LOCAL_RANK": "1",
    "MASTER_ADDR": "node1",
    "MASTER_PORT": "29500",
}


def test_a_process_alone_and_one_of_four() -> None:
    assert find_member({"LOCAL_RANK": "0", "MASTER_ADDR": "node1"}) is None
    member = find_member({**ELASTIC, "TORCHELASTIC_USE_AGENT_STORE": "True"})
    assert member == Member(3, 4, 1, "node1", 29500, is_shared=True)
    assert str(member).startswith("rank 3 on ")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"RANK": "four"}, "RANK=four is not a whole number"),
        ({"RANK": "-1"}, "RANK=-1 is not a whole number"),
        ({"RANK": "4"}, "RANK=4 is not below WORLD_SIZE=4"),
        ({"MASTER_PORT": "0"}, "MASTER_PORT=0 is not a port"),
        ({"LOCAL_RANK": None, "MASTER_ADDR": None}, "LOCAL_RANK is missing; MASTER_ADDR is"),
    ],
)
def test_variables_of_torchrun_that_cannot_be(changes: dict[str, str | None], said: str) -> None:
    wrong = {name: value for name, value in {**ELASTIC, **changes}.items() if value is not None}
    with pytest.raises(BadInput, match=said):
        find_member(wrong)


def test_ranks_that_differ_are_named_with_what_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    ranks = object.__new__(JoinedRanks)
    ranks.member = Member(0, 3, 0, "node1", 29500)
    has = {"torch": "2.14", "weights": "aa"}
    everywhere = [("rank 0 on a", has), ("rank 1 on b", has), ("rank 2 on c", has | {"torch": "3"})]
    monkeypatch.setattr(ranks, "gather", lambda own: everywhere)
    with pytest.raises(IncompatibleParts) as caught:
        ranks.agree(has)
    assert "rank 2 on c has torch 3, not 2.14 as rank 0 on a" in caught.value.message
    assert "rank 1" not in caught.value.message


def test_a_rank_alone_does_everything_itself() -> None:
    ranks = Ranks()
    assert (ranks.first, ranks.joined, list(ranks.part_of(8))) == (True, False, list(range(8)))
    assert ranks.gather("x") == ["x"] and ranks.told("x") == "x" and ranks.device("mps") == "mps"


def beat(count: int, step: int, state: State) -> Beat:
    found = Beat("rank 1 on node 2", count, step, state)
    assert Beat.from_text(found.to_text()) == found
    return found


def test_who_is_silent_or_computes_one_step_for_ever_hangs() -> None:
    heard = Heard(beat(1, 7, State.COMPUTES), at=0, moved=0)
    heard.hear(beat(2, 7, State.COMPUTES), 9)
    assert not heard.hangs(9, seconds=10)
    assert heard.hangs(10, seconds=10), "it lives, and does not come on"
    heard.hear(beat(3, 8, State.COMPUTES), 11)
    assert not heard.hangs(20, seconds=10)
    heard.hear(beat(4, 8, State.WAITS), 30)
    heard.hear(beat(5, 8, State.WAITS), 99)
    assert not heard.hangs(100, seconds=10), "waiting is not its fault"
    assert heard.hangs(109, seconds=10), "silence is"
    alone = Heard(beat(1, 8, State.ALONE), at=0, moved=0)
    alone.hear(beat(2, 8, State.ALONE), 500)
    assert not alone.hangs(505, seconds=10), "what one does for all takes as long as it takes"


@pytest.mark.parametrize("text", ["soon", "0", "nan", "inf", "-3"])
def test_a_timeout_that_is_none(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TIMEOUT, text)
    with pytest.raises(BadInput, match=f"{TIMEOUT}={text} is not a number of seconds"):
        timeout()


def launch(code: str, told: list[str], progress: list[int] | None = None) -> Launch:
    steps = iter(progress or [])
    return Launch(
        [sys.executable, "-S", "-c", f"import os, signal, sys, time\n{code}"],
        num=2,
        progress=lambda: next(steps, 0),
        tell=told.append,
        threads=1,
    )


def test_processes_know_who_they_are(tmp_path: Path) -> None:
    told: list[str] = []
    write = f"open(r'{tmp_path}/' + os.environ['RANK'], 'w').write(os.environ['WORLD_SIZE'])"
    assert launch(write, told).run() == 0
    assert [path.read_text() for path in sorted(tmp_path.iterdir())] == ["2", "2"]
    assert not told


def test_an_error_ends_all_with_its_code() -> None:
    told: list[str] = []
    code = f"sys.exit(5 if os.environ['RANK'] == '1' else {int(ExitCode.RANK_LOST)})"
    assert launch(code, told).run() == 5
    assert not told


def test_who_is_killed_is_started_again(tmp_path: Path) -> None:
    told: list[str] = []
    once = f"""
path = r'{tmp_path}/died'
if os.environ['RANK'] == '1' and not os.path.exists(path):
    open(path, 'w').close()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert launch(once, told).run() == 0
    assert told == ["rank 1 was killed by SIGKILL; all processes go on from the checkpoint"]


def test_who_dies_again_and_again_without_getting_further_is_given_up() -> None:
    told: list[str] = []
    die = "os.kill(os.getpid(), signal.SIGKILL)"
    assert launch(die, told, progress=[0, 0, 1, 1, 1]).run() == ExitCode.RANK_LOST
    assert len(told) == 4, "a new checkpoint counts from the beginning"
    assert told[-1].endswith("3 times without getting further, perhaps for lack of memory")


def test_whoever_outlives_the_others_for_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("c2l.ranks.launching.GRACE", 0.2)
    told: list[str] = []
    assert (
        launch("time.sleep(60 if os.environ['RANK'] == '0' else 0); sys.exit(4)", told).run() == 4
    )
    assert os.environ.get("RANK") is None
