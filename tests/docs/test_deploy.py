"""The files of docs/deploy are what their systems expect, and start what there is to start."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from doc_pages import ROOT
from served import Served

from c2l.cli.app import app
from c2l.web.settings import Limits

FOLDER = ROOT / "docs" / "deploy"


def objects(name: str) -> list[Any]:
    return list(yaml.safe_load_all((FOLDER / name).read_text(encoding="utf-8")))


DEPLOYMENT = next(o for o in objects("kubernetes.yaml") if o["kind"] == "Deployment")
POD = DEPLOYMENT["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
COMPOSED = objects("compose.yaml")[0]["services"]["c2l"]


def options_of(words: list[str]) -> dict[str, Any]:
    """What a command line of ``c2l serve`` says."""
    command: Any = typer.main.get_command(app)
    return command.commands["serve"].make_context("serve", words).params


def test_kubernetes_knows_every_field() -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="it is not installed")
    for version in ("1.30", "1.34", "1.36"):
        for one in objects("kubernetes.yaml"):
            validate.validate(one, version, strict=True)


@pytest.mark.parametrize("name", ["compose.yaml", "compose.gpu.yaml"])
def test_compose_knows_every_field(name: str) -> None:
    check_jsonschema = pytest.importorskip("check_jsonschema", reason="it is not installed")
    jsonschema = pytest.importorskip("jsonschema")
    folder = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor"
    schema = json.loads((folder / "compose-spec.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(objects(name)[0])


def test_they_serve_others_with_a_token() -> None:
    binary, serve, *words = CONTAINER["command"]
    assert (Path(binary).name, serve) == ("c2l", "serve")
    told = options_of(words)
    assert told["host"] == "0.0.0.0" and told["port"] == CONTAINER["ports"][0]["containerPort"]
    token = next(e for e in CONTAINER["env"] if e["name"] == "C2L_TOKEN")
    assert "secretKeyRef" in token["valueFrom"] and "value" not in token
    line = next(x for x in COMPOSED["command"][-1].splitlines() if "exec" in x)
    words = shlex.split(line.partition("c2l serve ")[2])
    told = options_of(words)
    assert told["host"] == "0.0.0.0" and str(told["token_file"]) == "/run/secrets/token"
    assert COMPOSED["secrets"] == ["token"]
    assert COMPOSED["ports"] == [f"127.0.0.1:8000:{told['port']}"]


def test_their_probes_are_answered(served: Served) -> None:
    probes = {name: CONTAINER[name]["httpGet"]["path"] for name in
              ("startupProbe", "readinessProbe", "livenessProbe")}  # fmt: skip
    assert probes == {
        "startupProbe": "/readyz", "readinessProbe": "/readyz", "livenessProbe": "/healthz"
    }  # fmt: skip
    assert "/readyz" in COMPOSED["healthcheck"]["test"][-1]
    with served.client() as client:
        assert {client.get(path).status_code for path in probes.values()} == {200}


def test_there_is_time_to_finish_what_is_drawn() -> None:
    pause = CONTAINER["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert POD["terminationGracePeriodSeconds"] - pause > Limits.seconds
    grace = re.fullmatch(r"(\d+)s", COMPOSED["stop_grace_period"])
    assert grace and int(grace[1]) > Limits.seconds


def test_pods_are_restricted() -> None:
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in (*POD["initContainers"], CONTAINER):
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
