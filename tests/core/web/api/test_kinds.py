"""What can be asked for by its kind, without a server."""

from __future__ import annotations

import pickle
from typing import Any, get_args

import pytest

from c2l.web.api.asked import Asked, checked
from c2l.web.api.jobs.routes import JobBody
from c2l.web.api.kinds import JOBS


def test_jobs_say_their_kinds() -> None:
    assert set(get_args(JobBody.model_fields["kind"].annotation)) == JOBS.keys()


@pytest.mark.parametrize("kind", JOBS)
def test_works_can_be_sent_to_another_process(kind: str) -> None:
    extra: Any = JOBS[kind].model_config["json_schema_extra"]
    body: Asked = checked(JOBS[kind], extra["examples"][0])
    work = body.work()
    again = pickle.loads(pickle.dumps(work))
    assert type(again) is type(work) and again.weight == work.weight >= 1
