"""Fields become flags: the texts of the product, said by the command line."""

from __future__ import annotations

import shlex

import pytest
import typer

from c2l.cli.app import app
from c2l.cli.wording import translate

ROOT = typer.main.get_command(app)


@pytest.mark.parametrize(
    ("command", "text", "said"),
    [
        ("sample", "Use `guidance` from 0 to 100", "Use --guidance from 0 to 100"),
        ("sample", "Use `num_images=1` or more", "Use --num 1 or more"),
        ("sample", 'Use `rank_by="pictures"`', "Use --rank-by pictures"),
        ("sample", "Use `rank_by=pictures`", "Use --rank-by pictures"),
        ("sample", "Add `accept_licence=True`", "Add --accept-licence"),
        ("sample", "as in `seeds=1,2,5-10`", "as in --seeds 1,2,5-10"),
        ("sample", "as in `seeds=[1, 2]`", "as in --seeds 1,2"),
        ("sample", '`negative="beard, glasses"`', "--negative 'beard, glasses'"),
        ("sample", '`negative=["beard", "hat:2"]`', "--negative beard --negative hat:2"),
        ("sample", '`prompt="a man"` with `negative="hat"`', "'a man' with --negative hat"),
        ("sample", "`prompt` is empty", "prompt is empty"),
        ("sample", 'Use `device="cpu"`', "Use --device cpu"),
        ("sample", 'Use `precision="float32"`', "Use --precision float32"),
        ("pairs", "Use a smaller `first_seed`", "Use a smaller --first-seed"),
        ("pairs", "`groups=(2, 2)` does not", "--groups 2,2 does not"),
        ("train", "Leave out `half=False`", "Leave out --no-half"),
        ("train", "`half=True`, `student=False`", "--half, --no-student"),
        ("train", 'See `settings={"hidden": 512}`', "See --set hidden=512"),
        ("train", 'See `settings={"gap": "a b"}`', "See --set 'gap=a b'"),
        ("train", "as in `settings.hidden=512`", "as in --set hidden=512"),
        ("train", "See `settings`", "See --set"),
        ("train", "`learning_rate=nan` is not finite", "--learning-rate nan is not finite"),
        # A key of the file that has no flag.
        ("train", "`first_seed=-1` is below 0", "first_seed=-1 is below 0"),
        ("eval", "`num_reference=8` or more", "--reference 8 or more"),
        ("eval", "`independent` is the same", "--independent is the same"),
        ("eval", "`guidance.0=much` is not a number", "--guidance much is not a number"),
        # Code, and what somebody typed, stay as they are.
        ("eval", "needs `if __name__ == '__main__'`", "needs if __name__ == '__main__'"),
        ("eval", "`nosuch=3` and `Other`", "nosuch=3 and Other"),
        ("info", "no fields here", "no fields here"),
        # Commands, whichever is running.
        ("train", 'See: `c2l pairs num=50 out="a b"`', "See: c2l pairs --num 50 --out 'a b'"),
        ("train", "`c2l pairs generator=… out=x`", "c2l pairs --generator … --out x"),
        ("pairs", '`c2l models list kind="prior"`', "c2l models list --kind prior"),
        ("pairs", '`c2l sample prompt="a man" best_of=4`', "c2l sample 'a man' --best-of 4"),
        ("pairs", "`c2l pairs groups=[1, 3, 1] num=5`", "c2l pairs --groups 1,3,1 --num 5"),
    ],
)  # fmt: skip
def test_fields_are_said_as_flags(command: str, text: str, said: str) -> None:
    assert translate(text, ROOT.commands[command], ROOT) == said


def test_without_a_command_fields_stay() -> None:
    assert (
        translate("Use `num=1` or `c2l pairs num=1`", None, None) == "Use num=1 or c2l pairs num=1"
    )


@pytest.mark.parametrize("name", sorted(set(ROOT.commands) - {"models", "recipes", "plugins"}))
def test_every_field_of_a_command_is_said_as_a_flag_that_it_takes(name: str) -> None:
    command = ROOT.commands[name]
    for parameter in command.params:
        if parameter.param_type_name == "option":
            flag, *_ = shlex.split(translate(f"`{parameter.name}=5`", command, ROOT))
            assert flag in parameter.opts
