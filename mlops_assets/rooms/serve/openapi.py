"""The OpenAPI document: one path a model, its schema and its example from the very manifest that is answered by."""

from collections.abc import Mapping
from typing import Any, Final

from mlops_assets.rooms.release.schema import LARGEST
from mlops_assets.rooms.serve.line import Line
from mlops_assets.rooms.serve.question import LONGEST_TEXT
from mlops_assets.rooms.serve.served import Served

ID: Final = {"type": "string", "pattern": "^[A-Za-z0-9_.:-]{1,64}$"}
_PROBLEM: Final = {
    "type": "object",
    "required": ["title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "next": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "problem"],
                "properties": {"field": {"type": "string"}, "problem": {"type": "string"}, "allowed": {}},
            },
        },
    },
}
_FAILURES: Final = (400, 401, 403, 404, 405, 408, 413, 415, 421, 422, 503)


def document(lines: Mapping[str, Line], *, secured: bool) -> dict[str, Any]:
    """The document of everything that is served now."""
    paths: dict[str, Any] = {
        "/healthz": _get("The process lives.", {"type": "object"}),
        "/readyz": _get("Every released model answers.", {"type": "object"}),
        "/v1/models": _get("The models.", {"type": "object", "required": ["models"]}),
        "/v1/feedback": {"post": _feedback()},
    }
    for line in lines.values():
        if line.champion is not None:
            paths |= _paths(line.champion)
    found: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "mlops_assets predictions", "version": "1"},
        "paths": paths,
        "components": {"schemas": {"Problem": _PROBLEM}},
    }
    if secured:
        found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        found["security"] = [{"token": []}]
    return found


def inputs(served: Served) -> dict[str, Any]:
    """The JSON schema of a model's inputs."""
    properties = {entry["name"]: _property(entry) for entry in served.manifest["schema"]}
    return _object(properties, *properties)


def example(served: Served) -> dict[str, Any]:
    """Inputs that the model answers: its first golden row, but for what the log may not keep of a person either."""
    found: dict[str, Any] = served.manifest["golden"][0]["inputs"]
    return {
        entry["name"]: found[entry["name"]] if entry["log"] == "keep" else _usual(entry)
        for entry in served.manifest["schema"]
    }


def _usual(entry: Mapping[str, Any]) -> Any:
    """A value that is nobody's own: the middle of the usual range, or the first category."""
    if entry["kind"] == "number":
        low, high = entry["minimum"], entry["maximum"]
        return 0.0 if low is None or high is None else float(f"{(low + high) / 2:.3g}")
    return entry["categories"][0] if entry["categories"] else "text"


def _object(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": properties}


def _property(entry: Mapping[str, Any]) -> dict[str, Any]:
    null = ["null"] if entry["nullable"] else []
    if entry["kind"] == "number":
        usual = f"usually {entry['minimum']:g} to {entry['maximum']:g}" if entry["minimum"] is not None else ""
        return {"type": ["number", *null], "minimum": -LARGEST, "maximum": LARGEST, "description": usual}
    if entry["unknown"] == "allow" or not entry["categories"]:
        return {"type": ["string", *null], "maxLength": LONGEST_TEXT}
    return {"type": ["string", *null], "enum": [*entry["categories"], *([None] if null else [])]}


def _paths(served: Served) -> dict[str, Any]:
    base, row = f"/v1/models/{served.model}", inputs(served)
    client = {"type": "string", "maxLength": LONGEST_TEXT}
    common: dict[str, Any] = {"id": ID, "client": client, "explain": {"type": "boolean"}}
    question = _object({"inputs": row, **common}, "inputs")
    scalar = {"type": ["string", "number", "boolean", "null"]}
    key: dict[str, Any] = dict.fromkeys([*served.lookups.asks, *served.manifest["online"]["key"]], scalar)
    keys = _object(key, *served.lookups.asks)
    by_key = _object({"key": keys, **common}, "key")
    rows = _object({"instances": {"type": "array", "items": row}}, "instances")
    many = {"oneOf": [rows, _object({"keys": {"type": "array", "items": keys}}, "keys")]}
    answer, one = _answer(served), {"inputs": example(served)}
    answers = {"type": "object", "properties": {"predictions": {"type": "array", "items": answer}}}
    return {
        base: _get("The model, its schema and its parity.", {"type": "object"}),
        f"{base}:predict": {
            "post": _post(f"Ask {served.model} one question.", {"oneOf": [question, by_key]}, one, answer)
        },
        f"{base}:predictBatch": {
            "post": _post(f"Ask {served.model} many questions.", many, {"instances": [example(served)]}, answers)
        },
    }


def _answer(served: Served) -> dict[str, Any]:
    tasks: dict[str, dict[str, Any]] = {
        "binary": {"score": {"type": "number", "minimum": 0, "maximum": 1}, "answer": {"type": "boolean"}},
        "multiclass": {"scores": {"type": "object"}, "answer": {"type": "string"}},
        "regression": {"value": {"type": "number"}},
    }
    said = tasks[served.manifest["task"]]
    common = {"id": ID, "model": {"const": served.model}, "version": {"type": "integer"}}
    return {"type": "object", "required": [*common, *said], "properties": {**common, **said, "explanation": {}}}


def _feedback() -> dict[str, Any]:
    properties = {
        "id": ID,
        "model": {"type": "string"},
        "label": {"type": ["number", "boolean", "string", "null"], "maxLength": LONGEST_TEXT},
        "kind": {"enum": ["outcome", "correction"]},
        "at": {"type": ["number", "null"], "minimum": 0, "maximum": 253402300799},
        "who": {"type": "string", "maxLength": LONGEST_TEXT},
    }
    one = _object(properties, "id", "model", "label")
    told = {"id": "0123456789abcdef0000000000000000", "model": "flight_delays", "label": 1}
    accepted = {"type": "object", "required": ["accepted"], "properties": {"accepted": {"type": "integer"}}}
    found = _post("Tell what became of a prediction.", one, told, accepted)
    found["responses"]["202"] = found["responses"].pop("200")
    return found


def _get(summary: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"get": {"summary": summary, "responses": _responses(schema)}}


def _post(
    summary: str, schema: Mapping[str, Any], example: Mapping[str, Any], answer: Mapping[str, Any]
) -> dict[str, Any]:
    content = {"application/json": {"schema": schema, "example": example}}
    return {"summary": summary, "requestBody": {"required": True, "content": content}, "responses": _responses(answer)}


def _responses(schema: Mapping[str, Any]) -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    ok = {"description": "The answer.", "content": {"application/json": {"schema": schema}}}
    return {"200": ok, **{str(code): {"description": "A problem.", "content": problem} for code in _FAILURES}}
