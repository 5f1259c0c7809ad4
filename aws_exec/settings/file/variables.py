"""`${VAR}` and `${VAR:-default}` in the texts of awsexec.yaml. `$$` is one `$`; any other `$` is itself."""

from __future__ import annotations

import re
from collections.abc import Mapping

_VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|(?P<broken>\{))")


class UnsetVariableError(ValueError):
    """A variable is not set, and no default is given."""


class BrokenVariableError(ValueError):
    """A `${` that is no variable."""


def substituted(text: str, environment: Mapping[str, str]) -> str:
    """Return the text with every variable replaced by its value.

    Args:
        text: as written.
        environment: by name; as in a shell, an empty variable takes the default too.

    Raises:
        UnsetVariableError, BrokenVariableError: naming it.
    """

    def value(found: re.Match[str]) -> str:
        if found["broken"]:
            raise BrokenVariableError("${ is not followed by a name and }")
        if found["name"] is None:
            return "$"
        given = environment.get(found["name"], "")
        if given or (found["default"] is None and found["name"] in environment):
            return given
        if found["default"] is None:
            raise UnsetVariableError(found["name"])
        return found["default"]

    return _VARIABLE.sub(value, text)
