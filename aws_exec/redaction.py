"""Redaction of secrets, which must never be printed, logged or written. Pure.

A workload's token is a JWT, which begins with `{"` in base64 (`eyJ`); a part of one is secret, too. Other secrets:
access key IDs, credentials in URLs, long opaque words (session tokens), and values whose name suggests a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

#: Replaces a secret.
MASK: Final = "***"

#: Names of secret values. Of Airflow's own options, those that Airflow treats as sensitive (`airflow.configuration`,
#: `sensitive_config_values`), and its connections.
_NAME: Final = re.compile(
    r"passw|passphrase|(?:^|_|db|pg)pass(?:$|_)|_pwd$|secret|token|credential|private(?!_?(?:ip|dns))|authorization"
    r"|basic_auth"
    r"|api_?key|access_?key|fernet_?key|ssh_?key|keyfile|signature|airflow_conn_|sql_alchemy_conn|result_backend"
    r"|broker_url|(?:^|_)dsn$|webhook|connection_string|auth_header|service_key|^airflow__.*(?:kwargs?|_args)$",
    re.IGNORECASE,
)

_TOKEN: Final = re.compile(r"eyJ[\w-]{4,}(?:\.[\w-]*)*")
_KEY_ID: Final = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}")
#: User and password: up to the last `@` before the path, or before the next space if the password has slashes.
_IN_URL: Final = re.compile(r"(?<=://)(?:[^/\s\"'<>]{1,200}|[^/\s\"'<>:@]{0,100}:(?!\d+/)[^\s\"'<>]{1,200})@")
#: A long word, unless it is an absolute path, of names that are not long themselves.
_OPAQUE: Final = re.compile(r"(?P<path>(?<![\w/+=-])(?:/[\w.-]{1,64}){3,}(?![\w/+=-]))|[\w/+=-]{120,}")
_PEM: Final = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}-----|\Z)", re.DOTALL)

#: A value: a list or an object of plain values, a quoted text (the quotes may be escaped, in JSON within JSON), or one
#: word and its scheme.
_VALUE: Final = (
    r"(?:\[[^\[\]]{1,2000}\]|\{[^{}]{1,2000}\}|(?P<quote>\\{0,4}[\"'])(?:(?!(?P=quote))(?:\\.|[^\\])){1,5000}"
    r"|(?:(?:bearer|basic|aws4-hmac-sha256) +)?[^\s\"',&}\])]+)"
)
#: Not in an ARN, which has a colon before the name (`secret:prod/db`).
_NAMED: Final = re.compile(
    r"(?<![:\w])(?P<before>(?:[\w-]{0,80}(?:token|password|passwd|passphrase|secret|(?:secret|private|api|fernet)[_-]?key"
    r"|secret_?access_?key|authorization|signature|_pass|pgpass|_pwd|sql_alchemy_conn)|airflow_conn_\w{1,80})"
    rf"(?:\x1b\[[\d;]{{0,16}}m)?\\{{0,4}}[\"']?\s*[:=]\s*)(?!\\{{0,4}}[\"']?arn:){_VALUE}",
    re.IGNORECASE | re.DOTALL,
)
#: An environment variable or a tag as AWS and Java write it: `{"name": "X", "value": "y"}`, `(name=X, value=y)`.
_PAIR: Final = re.compile(
    r"\b(?P<before>(?:name|key)\W{1,8}(?P<name>[\w.-]{1,200})\W{1,8}value\\{0,4}[\"']?\s*[:=]\s*)" + _VALUE,
    re.IGNORECASE | re.DOTALL,
)
#: An option of a command line, or of a printed list of arguments, and the word after it.
_OPTION: Final = re.compile(
    r"(?P<before>(?<![^\s\"'])--(?P<name>[\w-]{1,80})(?:\s+|\\{0,4}[\"'],\s*))(?!-)" + _VALUE,
    re.IGNORECASE | re.DOTALL,
)
_IN_QUOTES: Final = re.compile(r'"([^"\\]{1,200})"')
#: A secret access key has no shape but its length.
_SECRET_KEY: Final = re.compile(r"(?<![\w/+=])[A-Za-z0-9/+]{40}(?![\w/+=])")


def writable(text: str) -> str:
    r"""Return a text that UTF-8 and every database can store: half a surrogate pair and NUL as `\ud83d` and `\x00`.

    JSON can contain both, and so can texts of AWS and DAG authors; a text that the driver of Airflow's database cannot
    encode ends the scheduler, and PostgreSQL accepts no NUL.
    """
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", r"\x00")


def redact(text: str, *, longest: int = 2000, keys: bool = False) -> str:
    """Return a text with its secrets replaced, and `writable`.

    Args:
        text: of any origin.
        longest: the maximum length before it is made writable; a longer text is cut, since AWS's own messages are short
            and the rest echoes a request.
        keys: whether any word of 40 characters is taken for a secret access key: if credentials failed.
    """
    text = _PEM.sub(MASK, text)
    text = _TOKEN.sub(MASK, text)
    text = _KEY_ID.sub(MASK, text)
    text = _OPAQUE.sub(lambda found: found["path"] or MASK, text)
    text = _IN_URL.sub(f"{MASK}@", text)
    text = _NAMED.sub(_masked, text)
    text = _PAIR.sub(_masked_if_secret, text)
    text = _OPTION.sub(_masked_if_secret, text)
    if keys:
        text = _SECRET_KEY.sub(MASK, text)
    return writable(text if len(text) <= longest else text[: longest - 1] + "…")


def redact_line(line: str) -> str:
    """Return a line of a log, redacted: a JSON object by its members, and still as JSON."""
    text = redact(line, longest=len(line) + 1)
    if not line.startswith("{") or (text == line and not _may_hide_secret(line)):
        return text
    try:
        document = json.loads(line)
        redacted = redact_document(document)
    except (ValueError, RecursionError):
        return text
    is_clean = text == line and redacted == document
    return line if is_clean else json.dumps(redacted, ensure_ascii=False, separators=(",", ":"))


def _may_hide_secret(line: str) -> bool:
    """Return whether a line of JSON may have a secret that only its members show: as an escape, or by its name."""
    return "\\" in line or any(word.startswith("-") or is_secret_name(word) for word in _IN_QUOTES.findall(line))


def _masked(found: re.Match[str]) -> str:
    return f"{found['before']}{found['quote'] or ''}{MASK}"


def _masked_if_secret(found: re.Match[str]) -> str:
    return _masked(found) if _is_theirs(found["name"]) else found[0]


def is_secret_name(name: str) -> bool:
    """Return whether a value of this name is a secret."""
    return _NAME.search(name) is not None


def holds_secret(text: str) -> bool:
    """Return whether a text, or the document that it may be, seems to contain a secret."""
    document = "{" in text and ("environment" in text.lower() or is_secret_name(text))
    return document or redact(text, longest=len(text) + 1) != writable(text)


def may_hold_secret(text: str) -> bool:
    """Return whether it contains one, or may set environment variables, whose names need not suggest a secret."""
    inside = text.partition("{")[2].lower()
    return "env" in inside or "value" in inside or holds_secret(text)


def redact_document(document: Any) -> Any:
    """Return AWS's description of a job, redacted: the same shape, all texts without secrets.

    The value of an environment variable, a tag or a member with the name of a secret is masked completely, as is the
    word after such an option of a command line. Values that awsexec itself writes are not secret.
    """
    if isinstance(document, Mapping):
        named = str(document.get("name", document.get("key", "")))
        masked = "value" if _is_theirs(named) else ""
        return {
            redact(key): MASK
            if (key == masked or _is_theirs(str(key))) and _is_plain(value)
            else _redacted(str(key), value)
            for key, value in document.items()
        }
    if isinstance(document, list | tuple):
        before = ["", *document]
        return [
            MASK if isinstance(each, str) and _is_option(last) else redact_document(each)
            for last, each in zip(before, document, strict=False)
        ]
    return redact(document, longest=len(document) + 1) if isinstance(document, str) else document


def _redacted(name: str, value: Any) -> Any:
    """Return the redacted value of a member; a number as in the text `NAME=NUMBER`."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if redact(f"{name}=0") == f"{name}=0" else MASK
    return redact_document(value)


def _is_plain(value: object) -> bool:
    """Return whether it may be the secret itself; an ARN only refers to it."""
    return isinstance(value, str) and not value.startswith("arn:")


def _is_theirs(name: str) -> bool:
    return is_secret_name(name) and not name.lower().startswith("awsexec")


def _is_option(word: object) -> bool:
    return isinstance(word, str) and word.startswith("-") and "=" not in word and is_secret_name(word)
