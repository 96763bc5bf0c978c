"""A server that cannot start says why in one line."""

from __future__ import annotations

import logging

import pytest

from c2l.errors import BadWeights
from c2l.web import running
from c2l.web.engine import LocalEngine
from c2l.web.settings import Settings


def test_no_trace_of_what_went_wrong_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def start(engine: LocalEngine) -> None:
        raise BadWeights("the weights are broken")

    monkeypatch.setattr(LocalEngine, "start", start)
    loggers = [logging.getLogger(name) for name in ("c2l", "uvicorn")]
    kept = [(log.handlers, log.level, log.propagate) for log in loggers]
    try:
        with pytest.raises(BadWeights, match="are broken"):
            running.serve(Settings(port=0, recipes=("demo-faces",)))
        assert "Traceback" not in capsys.readouterr().err
    finally:
        for log, before in zip(loggers, kept, strict=True):
            log.handlers, log.level, log.propagate = before
