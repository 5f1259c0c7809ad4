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

#: A name that says that its value is secret. Airflow's own options among them are those that it calls sensitive
#: (`airflow.configuration`, `sensitive_config_values`), and its connections.
_NAME: Final = re.compile(
    r"passw|passphrase|(?:^|_|db|pg)pass(?:$|_)|_pwd$|secret|token|credential|private(?!_?(?:ip|dns))|authorization"
    r"|basic_auth"
    r"|api_?key|access_?key|fernet_?key|ssh_?key|keyfile|signature|airflow_conn_|sql_alchemy_conn|result_backend"
    r"|broker_url|(?:^|_)dsn$|webhook|connection_string|auth_header|service_key|^airflow__.*(?:kwargs?|_args)$",
    re.IGNORECASE,
)

_TOKEN: Final = re.compile(r"eyJ[\w-]{4,}(?:\.[\w-]*)*")
_KEY_ID: Final = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}")
#: User and password: up to the last `@` before the path, or before the next space where the password has slashes.
_IN_URL: Final = re.compile(r"(?<=://)(?:[^/\s\"'<>]{1,200}|[^/\s\"'<>:@]{0,100}:(?!\d+/)[^\s\"'<>]{1,200})@")
#: A long word, unless it is an absolute path, of names that are not long themselves.
_OPAQUE: Final = re.compile(r"(?P<path>(?<![\w/+=-])(?:/[\w.-]{1,64}){3,}(?![\w/+=-]))|[\w/+=-]{120,}")
_PEM: Final = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}-----|\Z)", re.DOTALL)

#: A value: what is quoted whole (the quotes may be escaped, in JSON within JSON), else one word and its scheme.
_VALUE: Final = (
    r"(?:(?P<quote>\\{0,4}[\"'])(?:(?!(?P=quote))(?:\\.|[^\\])){1,5000}"
    r"|(?:(?:bearer|basic|aws4-hmac-sha256) +)?[^\s\"',&}\])]+)"
)
#: Not in an ARN, where a colon comes before the name (`secret:prod/db`).
_NAMED: Final = re.compile(
    r"(?<![:\w])(?P<before>(?:[\w-]{0,80}(?:token|password|passwd|passphrase|secret|(?:secret|private|api|fernet)[_-]?key"
    r"|secret_?access_?key|authorization|signature|_pass|pgpass|_pwd|sql_alchemy_conn)|airflow_conn_\w{1,80})"
    rf"\\{{0,4}}[\"']?\s*[:=]\s*)(?!\\{{0,4}}[\"']?arn:){_VALUE}",
    re.IGNORECASE | re.DOTALL,
)
#: An environment variable or a tag as AWS and Java write it: `{"name": "X", "value": "y"}`, `(name=X, value=y)`.
_PAIR: Final = re.compile(
    r"\b(?P<before>(?:name|key)\W{1,8}(?P<name>[\w.-]{1,200})\W{1,8}value\\{0,4}[\"']?\s*[:=]\s*)" + _VALUE,
    re.IGNORECASE | re.DOTALL,
)
#: An option of a command line, and the word after it.
_OPTION: Final = re.compile(r"(?P<before>(?<!\S)--(?P<name>[\w-]{1,80})\s+)(?!-)" + _VALUE, re.IGNORECASE | re.DOTALL)
#: A secret access key has no shape but its length.
_SECRET_KEY: Final = re.compile(r"(?<![\w/+=])[A-Za-z0-9/+]{40}(?![\w/+=])")


def writable(text: str) -> str:
    r"""A text that UTF-8 and every database can hold: half a surrogate pair and NUL as `\ud83d` and `\x00`.

    JSON can say both, so AWS and DAG authors can; what the driver of Airflow's database cannot encode there ends the
    scheduler, and PostgreSQL takes NUL in no text.
    """
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", r"\x00")


def redact(text: str, *, longest: int = 2000, keys: bool = False) -> str:
    """A text without what looks like a secret, and `writable`.

    Args:
        text: of any origin.
        longest: characters of it, before it is made writable; what is longer is cut, since AWS's own messages are short
            and the rest echoes a request.
        keys: whether to take any word of 40 characters for a secret access key: where credentials are what failed.
    """
    text = _PEM.sub(MASK, text)
    text = _TOKEN.sub(MASK, text)
    text = _KEY_ID.sub(MASK, text)
    text = _OPAQUE.sub(lambda found: found["path"] or MASK, text)
    text = _IN_URL.sub(f"{MASK}@", text)
    text = _NAMED.sub(_masked, text)
    text = _PAIR.sub(_masked_if_telling, text)
    text = _OPTION.sub(_masked_if_telling, text)
    if keys:
        text = _SECRET_KEY.sub(MASK, text)
    return writable(text if len(text) <= longest else text[: longest - 1] + "…")


def _masked(found: re.Match[str]) -> str:
    return f"{found['before']}{found['quote'] or ''}{MASK}"


def _masked_if_telling(found: re.Match[str]) -> str:
    return _masked(found) if _is_theirs(found["name"]) else found[0]


def is_secret_name(name: str) -> bool:
    """Whether the value of something of this name is a secret."""
    return _NAME.search(name) is not None


def holds_secret(text: str) -> bool:
    """Whether a text, or the document that it may be, seems to hold a secret."""
    document = "{" in text and ("environment" in text.lower() or is_secret_name(text))
    return document or redact(text, longest=len(text) + 1) != writable(text)


def may_hold_secret(text: str) -> bool:
    """Whether it holds one, or may set environment variables, whose names need not tell what they hold."""
    inside = text.partition("{")[2].lower()
    return "env" in inside or "value" in inside or holds_secret(text)


def redact_document(document: Any) -> Any:
    """What AWS says of a job, without what looks like a secret: the same shape, all texts redacted.

    The value of an environment variable or a tag of a telling name is masked whole, as is what such a name is the key
    of, and the word after such an option of a command line. What awsexec itself writes there is no secret.
    """
    if isinstance(document, Mapping):
        named = str(document.get("name", document.get("key", "")))
        masked = "value" if _is_theirs(named) else ""
        return {
            key: MASK if (key == masked or _is_theirs(str(key))) and _is_plain(value) else redact_document(value)
            for key, value in document.items()
        }
    if isinstance(document, list | tuple):
        before = ["", *document]
        return [
            MASK if isinstance(each, str) and _is_option(last) else redact_document(each)
            for last, each in zip(before, document, strict=False)
        ]
    return redact(document, longest=len(document) + 1) if isinstance(document, str) else document


def _is_plain(value: object) -> bool:
    """Whether it may be the secret itself; an ARN only says where that is."""
    return isinstance(value, str) and not value.startswith("arn:")


def _is_theirs(name: str) -> bool:
    return is_secret_name(name) and not name.lower().startswith("awsexec")


def _is_option(word: object) -> bool:
    return isinstance(word, str) and word.startswith("-") and "=" not in word and is_secret_name(word)
