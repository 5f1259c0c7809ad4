"""The description of every option: for provider metadata, documentation and error messages."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined


@dataclass(frozen=True, slots=True)
class OptionInfo:
    """The description of one option.

    Attributes:
        name: in the section.
        type: Airflow's word: string, boolean, integer or float.
        default: as text for airflow.cfg; None if there is none.
        description: sentences.
        example: as text for airflow.cfg.
        unit: of a number; None for anything else.
        required: the executor cannot start without it.
        version_added: the release of awsexec that brought it.
    """

    name: str
    type: str
    default: str | None
    description: str
    example: str
    unit: str | None
    required: bool
    version_added: str


def option_catalogue(model: type[BaseModel]) -> tuple[OptionInfo, ...]:
    """Return every option of an executor, generated from its model, sorted by name."""
    return tuple(_info(name, model.model_fields[name]) for name in sorted(model.model_fields))


def _info(name: str, field: FieldInfo) -> OptionInfo:
    about: Any = field.json_schema_extra
    return OptionInfo(
        name=name,
        type=about["kind"],
        default=_text(field.default),
        description=field.description or "",
        example=about["example"],
        unit=about["unit"],
        required=about["required"],
        version_added=about["version_added"],
    )


def _text(default: Any) -> str | None:
    """Return a default as it would be written in airflow.cfg; None if empty."""
    if default is None or default is PydanticUndefined or default in ("", (), {}):
        return None
    if isinstance(default, float):
        return f"{default:g}"
    return str(default) if not isinstance(default, dict | tuple) else json.dumps(default)
