"""The judges of the demo's recipes: captions never trained on, and answers that can be trusted."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from c2l.evaluation import CalibratedJudge, Question, find_judge
from c2l_demo.judge import WorldJudge
from c2l_demo.judge_network import JudgeNetwork, load_network
from c2l_demo.worlds import is_held_out

WORLDS = ["faces", "landscapes"]


@pytest.fixture(params=WORLDS)
def judge(request: pytest.FixtureRequest) -> WorldJudge:
    found = find_judge(f"stylegan:demo-{request.param}")
    assert found is not None
    path, judge = found
    assert path == f"c2l_demo.judge:{request.param}"
    assert isinstance(judge, WorldJudge) and isinstance(judge, CalibratedJudge)
    return judge


def test_questions_are_new_and_different(judge: WorldJudge) -> None:
    questions = judge.questions(60, 0)
    assert len({q.prompt for q in questions}) == 60
    assert all(is_held_out(q.prompt) and len(q.named) >= 2 for q in questions)
    assert judge.questions(60, 0) == questions
    assert judge.questions(20, 0) == questions[:20]
    assert not {q.prompt for q in judge.questions(60, 1)} & {q.prompt for q in questions[:5]}


def test_it_is_right_about_true_drawings(judge: WorldJudge) -> None:
    questions = judge.questions(60, 2)
    drawings = judge.drawings(questions)
    assert drawings is not None and drawings.shape == (60, 3, 128, 128)
    seen = judge(drawings)
    right = [
        bool(seen[name][i] == value)
        for i, question in enumerate(questions)
        for name, value in question.named.items()
    ]
    assert sum(right) / len(right) >= 0.98
    # And not because it says so of anything.
    other = judge(drawings.roll(1, 0))
    wrong = [int(other[name][i]) for i, q in enumerate(questions) for name in q.named]
    wanted = [value for q in questions for value in q.named.values()]
    assert sum(a == b for a, b in zip(wrong, wanted, strict=True)) / len(wanted) < 0.6


def test_it_draws_no_questions_of_others(judge: WorldJudge) -> None:
    assert judge.drawings([Question("a man", {"gender": 1})]) is None


def test_it_reads_pictures_of_any_square_size(judge: WorldJudge) -> None:
    drawings = judge.drawings(judge.questions(4, 3))
    assert drawings is not None
    large = torch.nn.functional.interpolate(drawings, (256, 256), mode="nearest")
    for name, values in judge(large).items():
        assert values.tolist() == judge(drawings)[name].tolist()


def test_a_saved_judge_answers_as_before(judge: WorldJudge, tmp_path: Path) -> None:
    torch.manual_seed(2)
    network = JudgeNetwork({a.name: list(a.values) for a in judge.world.attributes}).eval()
    network.save(tmp_path / "judge.safetensors", judge.world.name)
    images = judge.drawings(judge.questions(12, 3))
    assert images is not None
    again = load_network(tmp_path / "judge.safetensors")
    assert again.attributes == network.attributes
    with torch.inference_mode():
        wanted, seen = network(images), again(images)
    # Eight bits may tip a tie, and of an untrained network there are many.
    agree = [(a.argmax(1) == b.argmax(1)).float().mean() for a, b in zip(wanted, seen, strict=True)]
    assert torch.stack(agree).mean() > 0.9
    assert all((a - b).std() < 0.1 * a.std() for a, b in zip(wanted, seen, strict=True))


def test_other_generators_have_no_judge() -> None:
    assert find_judge("stylegan:ffhq-1024") is None
