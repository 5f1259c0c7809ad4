"""Where `awsexec` begins: importing the command line takes a moment, and Ctrl-C in it is no traceback either."""

from __future__ import annotations

import sys

from awsexec_cli.exit_codes import Exit
from awsexec_cli.stdio import make_ready


def main() -> None:
    """Run the command line, and exit as `awsexec_cli.exit_codes` says."""
    make_ready()
    try:
        from awsexec_cli.app import main as run  # noqa: PLC0415 - see above
    except KeyboardInterrupt:
        sys.stderr.write("awsexec: interrupted\n")
        sys.exit(Exit.INTERRUPTED)
    run()


if __name__ == "__main__":
    main()
