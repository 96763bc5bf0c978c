"""Bodies and answers of the routes for their OpenAPI description: they come in several forms."""

from __future__ import annotations

import copy
from typing import Any

from pydantic import BaseModel


def asks_for(body: type[BaseModel], *files: str) -> dict[str, Any]:
    """That a route takes JSON, or a form with files.

    Args:
        files: names of their fields.
    """
    plain = body.model_json_schema()
    form = copy.deepcopy(plain)
    form.pop("examples", None)
    for name in files:
        plain["properties"][name] = {"type": "string", "description": "In base64."}
        form["properties"][name] = {"type": "string", "format": "binary"}
        for schema in (plain, form):
            schema["required"] = sorted({*schema.get("required", ()), name})
    content = {"application/json": {"schema": plain}, "multipart/form-data": {"schema": form}}
    return {"requestBody": {"required": True, "content": content}}


def answers_with(answer: type[BaseModel]) -> dict[str, Any]:
    """Keywords of a route that answers with a shape, or with events where ``stream`` is true."""
    return {
        "response_model": answer,
        "responses": {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
    }
