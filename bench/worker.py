"""One run, in this process: `python -m bench.worker`, with the run as JSON on stdin and the figures on stdout."""

from __future__ import annotations

import json
import sys

from bench.spec import Run


def main() -> None:
    """Measure."""
    run = Run(**json.load(sys.stdin))
    from bench.measures import MEASURES  # noqa: PLC0415 - the child process of the service imports this file, too

    figures = MEASURES[run.measure](run)
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
