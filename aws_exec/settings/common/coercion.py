"""Coercion of text from Airflow's configuration, or of native values from YAML, to the values of options.

Every function takes the written value, returns the coerced one, and raises `ValueError` with what was expected.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from aws_exec.durations import parse_duration

_TRUE = frozenset({"true", "t", "1", "yes", "y", "on", "enabled", "enable"})
_FALSE = frozenset({"false", "f", "0", "no", "n", "off", "disabled", "disable"})

#: S3 User Guide, "General purpose bucket naming rules"; "Naming Amazon S3 objects", the characters that are safe. A key
#: has 1,024 bytes, and the command that it is in 8,192 characters.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"(?:/[\w!.*'()-]+)*", re.ASCII)
_LONGEST_PREFIX = 500


def boolean(value: object) -> bool:
    """Return the boolean of `True`, `true`, `1`, `yes`, `on`, `ENABLED` and their opposites."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError("is neither true nor false")


def seconds(value: object) -> float | None:
    """Return a duration in seconds: `5`, `0.5`, `20s`, `2m`, `1h`; None stays None."""
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return parse_duration(str(value))


def positive_seconds(value: object) -> float | None:
    """Return `seconds`; 0 becomes None: off."""
    return seconds(value) or None


def names(value: object) -> tuple[str, ...]:
    """Return names from a comma-separated text or a list; spaces around them and empty names are dropped."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise ValueError("is not a list of names separated by commas")
    found = tuple(part.strip() for part in parts if part.strip())
    if any(len(part.split()) > 1 for part in found):
        raise ValueError("has a space within a name: names are separated by commas")
    return found


def word(value: object) -> object:
    """Return a word of a fixed set in lower case."""
    return value.strip().lower() if isinstance(value, str) else value


def store_url(value: object) -> str | None:
    """Return `s3://bucket/prefix` without a slash at the end; None stays None."""
    if value is None:
        return None
    text = str(value).strip().rstrip("/")
    bucket, slash, prefix = text.removeprefix("s3://").partition("/")
    if not text.startswith("s3://"):
        raise ValueError("is not of the form s3://bucket/prefix")
    if not _BUCKET.fullmatch(bucket):
        raise ValueError(f"names no valid S3 bucket: {bucket[:80]!r}")
    if not _PREFIX.fullmatch(slash + prefix) or len(prefix) > _LONGEST_PREFIX:
        raise ValueError(
            "has an invalid prefix: names of letters, digits and !-_.*'() between slashes, "
            f"at most {_LONGEST_PREFIX} characters"
        )
    return text


def json_object(value: object) -> dict[str, Any]:
    """Return a JSON object.

    Raises:
        ValueError: with the line and column of the syntax error.
    """
    document = _json(value) if isinstance(value, str) else value
    if not isinstance(document, Mapping):
        raise ValueError(  # noqa: TRY004 - the value of an option is wrong, not a type in our code
            f"is a JSON {_kind(document)}, not an object: it must be of the form {{...}}",
        )
    return dict(document)


def text_map(value: object) -> dict[str, str]:
    """Return a JSON object whose values are texts, none of them empty.

    Raises:
        ValueError: it is not, with the first wrong key.
    """
    document = json_object(value)
    wrong = next((key for key, text in document.items() if not isinstance(text, str) or not text.strip()), None)
    if wrong is not None:
        raise ValueError(f'has no name for {wrong!r}: it must be of the form {{"queue": "name"}}')
    return {key: text.strip() for key, text in document.items()}


def strategy(value: object) -> tuple[dict[str, Any], ...]:
    """Return a capacity provider strategy: a list of objects, as JSON or as a Python literal.

    The Amazon provider's own example is a Python literal.
    """
    document = _literal(value) if isinstance(value, str) else value
    items = [document] if isinstance(document, Mapping) else document
    if not isinstance(items, Sequence) or not items or not all(isinstance(item, Mapping) for item in items):
        raise ValueError("is not a list of capacity providers")
    return tuple(dict(item) for item in items)


def _literal(text: str) -> object:
    """Read JSON or a Python literal; raise the JSON error if it is neither."""
    try:
        return _json(text)
    except ValueError as no_json:
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            raise no_json from None


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        hint = " (JSON wants double quotes)" if text[error.pos : error.pos + 1] == "'" else ""
        position = f"line {error.lineno} column {error.colno}"
        raise ValueError(f"is not JSON: {error.msg[:1].lower()}{error.msg[1:]} at {position}{hint}") from error
    except RecursionError as error:
        raise ValueError("is not JSON that can be read: it is nested too deeply") from error


def _kind(document: object) -> str:
    return {list: "list", str: "string", bool: "boolean", int: "number", float: "number"}.get(type(document), "null")
