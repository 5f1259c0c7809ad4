"""The JSON Schema of awsexec.yaml, for editors, generated from the models that read it."""

from __future__ import annotations

from typing import Any

from aws_exec.settings.common.options import ExecutorOptions
from aws_exec.settings.file.reading import MODELS, QUOTAS, VERSION
from aws_exec.settings.file.terms import SERVICES, Terms

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

#: A text with a `${VARIABLE}`, allowed for members of any type.
_VARIABLE = {"type": "string", "pattern": r"\$\{"}


def json_schema() -> dict[str, Any]:
    """Return the schema; a `${VARIABLE}` is allowed for every scalar."""
    services: dict[str, Any] = {service: _model(MODELS[service]) for service in SERVICES}
    names = {"type": "object", "additionalProperties": {"type": "string"}}
    members: dict[str, Any] = {"deployment": {"type": "string"}, **services, "queues": names}
    team = {"type": "object", "additionalProperties": False, "properties": members}
    return {
        "$schema": _DIALECT,
        "title": "awsexec.yaml",
        "description": "Options and templates of the Airflow executors for Amazon ECS and AWS Batch.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "version": {"const": VERSION, "description": "Of this format."},
            "deployment": {"type": "string", "description": "The name of this Airflow, for both executors."},
            **services,
            "templates": {
                "type": "object",
                "description": "What tasks may be given, by name.",
                "additionalProperties": _model(Terms),
            },
            "queues": {**names, "description": "The template of each Airflow queue."},
            "teams": {"type": "object", "description": "Of each Airflow team.", "additionalProperties": team},
            "quotas": {
                "type": "object",
                "description": "vCPU quotas of the account, for validate-config.",
                "additionalProperties": False,
                "properties": {name: {"type": "integer", "minimum": 0} for name in QUOTAS},
            },
        },
    }


def _model(model: type[ExecutorOptions | Terms]) -> dict[str, Any]:
    """Return the schema of a model: every member may be null, a text with a unit, or a variable."""
    made = model.model_json_schema(mode="validation")
    members = {
        name: _member(model.model_fields[name].description or "", about) for name, about in made["properties"].items()
    }
    return {"type": ["object", "null"], "additionalProperties": False, "properties": members}


def _member(description: str, about: dict[str, Any]) -> dict[str, Any]:
    examples = about.get("examples", [])
    kinds = about.get("anyOf", [about])
    known = [kind for kind in kinds if kind.get("enum") or kind.get("type") in ("object", "boolean")]
    schema: dict[str, Any] = {"description": description, "examples": examples}
    if known and len(known) >= len([kind for kind in kinds if kind.get("type") != "null"]):
        schema["anyOf"] = [*(_kind(kind) for kind in known), _VARIABLE, {"type": "null"}]
    else:
        schema["type"] = (
            ["string", "number", "boolean", "array", "null"] if _is_list(kinds) else ["string", "number", "null"]
        )
    return schema


def _is_list(kinds: list[dict[str, Any]]) -> bool:
    return any(kind.get("type") == "array" for kind in kinds)


def _kind(kind: dict[str, Any]) -> dict[str, Any]:
    if kind.get("enum"):
        return {"enum": kind["enum"]}
    return {"type": ["boolean", "string"]} if kind["type"] == "boolean" else {"type": "object"}
