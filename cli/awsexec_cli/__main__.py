"""The entry point of `awsexec`; Ctrl-C during the imports prints no traceback."""

from __future__ import annotations

import sys

from awsexec_cli.exit_codes import Exit
from awsexec_cli.stdio import make_ready


def main() -> None:
    """Run the command line, and exit with a code of `awsexec_cli.exit_codes`."""
    make_ready()
    try:
        from awsexec_cli.app import main as run  # noqa: PLC0415 - see above
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(Exit.INTERRUPTED)
    run()


if __name__ == "__main__":
    main()
