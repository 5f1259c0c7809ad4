"""What may never be printed, logged or written: the one place that knows what a secret looks like. Pure.

A workload's token is a JWT, which begins with `{"` in base64 (`eyJ`); a cut-off one is as secret as a whole one. Beside
it: access key ids, credentials in URLs, long opaque words (session tokens), and whatever stands behind a telling name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

#: What stands instead of a secret.
MASK: Final = "***"

#: A name that says that its value is secret.
_NAME: Final = re.compile(r"passw|secret|token|credential|private|api_?key|access_?key", re.IGNORECASE)

_TOKEN: Final = re.compile(r"eyJ[\w-]{4,}(?:\.[\w-]*)*")
_KEY_ID: Final = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}")
_IN_URL: Final = re.compile(r"(?<=://)[^/@\s]+@")
_OPAQUE: Final = re.compile(r"[\w/+=-]{120,}")
#: Not in an ARN, where a colon comes before the name (`secret:prod/db`).
_NAMED: Final = re.compile(
    r"(?i)(?<![:\w])([\"']?(?:[\w-]*(?:token|password|secret|secret_?access_?key)|authorization)[\"']?"
    r"\s*[:=]\s*[\"']?)(?!arn:)[^\s\"',&}]+",
)
#: A secret access key has no shape but its length.
_SECRET_KEY: Final = re.compile(r"(?<![\w/+=])[A-Za-z0-9/+]{40}(?![\w/+=])")


def redact(text: str, *, longest: int = 2000, keys: bool = False) -> str:
    """A text without what looks like a secret.

    Args:
        text: of any origin.
        longest: characters; what is longer is cut, since AWS's own messages are short and the rest echoes a request.
        keys: whether to take any word of 40 characters for a secret access key: where credentials are what failed.
    """
    text = _TOKEN.sub(MASK, text)
    text = _KEY_ID.sub(MASK, text)
    text = _OPAQUE.sub(MASK, text)
    text = _IN_URL.sub(f"{MASK}@", text)
    text = _NAMED.sub(rf"\1{MASK}", text)
    if keys:
        text = _SECRET_KEY.sub(MASK, text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def is_secret_name(name: str) -> bool:
    """Whether the value of something of this name is a secret."""
    return _NAME.search(name) is not None


def holds_secret(text: str) -> bool:
    """Whether a text, or the document that it may be, seems to hold a secret."""
    document = "{" in text and ("environment" in text.lower() or is_secret_name(text))
    return document or redact(text, longest=len(text) + 1) != text


def redact_document(document: Any) -> Any:
    """What AWS says of a job, without what looks like a secret: the same shape, all texts redacted.

    The value of an environment variable or a tag of a telling name is masked whole, as is what such a name is the key
    of, and the word after such an option of a command line. What awsexec itself writes there is no secret.
    """
    if isinstance(document, Mapping):
        named = str(document.get("name", document.get("key", "")))
        masked = "value" if _is_theirs(named) else ""
        return {
            key: MASK if isinstance(value, str) and (key == masked or _is_theirs(str(key))) else redact_document(value)
            for key, value in document.items()
        }
    if isinstance(document, list | tuple):
        before = ["", *document]
        return [
            MASK if isinstance(each, str) and _is_option(last) else redact_document(each)
            for last, each in zip(before, document, strict=False)
        ]
    return redact(document, longest=len(document) + 1) if isinstance(document, str) else document


def _is_theirs(name: str) -> bool:
    return is_secret_name(name) and not name.lower().startswith("awsexec")


def _is_option(word: object) -> bool:
    return isinstance(word, str) and word.startswith("-") and "=" not in word and is_secret_name(word)
