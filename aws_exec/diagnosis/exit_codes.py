"""The rules for exit codes, for jobs without a more specific reason.

A failed Airflow task exits 0: Airflow's own runner has reported the failure by then. Another code means that the
runner itself, or what carries it, failed: the image, the network to the API server, the platform, a signal.
"""

from typing import Final

from aws_exec.diagnosis import pages
from aws_exec.diagnosis.model import Blame, TerminationRule
from aws_exec.lifecycle.policy import Replacement

_LOGS: Final = "Read the container's log"

#: Signals that end a container, beyond those with a rule of their own: SIGHUP, SIGQUIT, SIGILL and so on up to 64.
_OTHER_SIGNALS: Final = frozenset(range(128, 193)) - {130, 132, 134, 135, 136, 137, 139, 143}

RULES: Final = (
    TerminationRule(
        id="sidecar-took-it-down",
        sidecars=True,
        exits=frozenset({137, 143}),
        cause="Another container of the task ended, and ECS stopped the Airflow container for it.",
        blame=Blame.DEPLOYMENT,
        remedy="Mend that container, or mark it essential=false in the task definition.",
        page=pages.WHY_STOPPED,
    ),
    TerminationRule(
        id="sidecar-before-start",
        sidecars=True,
        exited=False,
        started=False,
        cause="Another container of the task failed before the Airflow container started.",
        blame=Blame.DEPLOYMENT,
        remedy="Mend that container, or mark it essential=false in the task definition.",
        page=pages.WHY_STOPPED,
    ),
    TerminationRule(
        id="other-container-first",
        when=r"essential container in task exited",
        exited=False,
        started=False,
        cause="Another container of the task ended, or failed, before the Airflow container started.",
        blame=Blame.DEPLOYMENT,
        remedy="Mend that container, or mark it essential=false in the task definition.",
        page=pages.WHY_STOPPED,
    ),
    TerminationRule(
        id="exit-0",
        exits=frozenset({0}),
        cause="The container ended well.",
        blame=Blame.TASK,
        remedy="Read Airflow's task log: if the task failed, it failed inside Airflow.",
        page=pages.WHY_STOPPED,
    ),
    TerminationRule(
        id="exit-1",
        exits=frozenset({1}),
        cause="Airflow's task runner failed outside the task's own code, usually because it could "
        "not reach the API server or was refused by it.",
        blame=Blame.DEPLOYMENT,
        remedy=f"{_LOGS}; check [core] execution_api_server_url as the container sees it, and Airflow's version.",
        page=pages.WHY_STOPPED,
    ),
    TerminationRule(
        id="exit-2",
        exits=frozenset({2}),
        cause="The command line was not understood: the image's entry point or Airflow version does not fit.",
        blame=Blame.DEPLOYMENT,
        remedy=f"{_LOGS}; use an image with the scheduler's Airflow and an entry point that passes commands on.",
        page=pages.WHY_STOPPED,
    ),
    TerminationRule(
        id="exit-125",
        exits=frozenset({125}),
        cause="The container runtime itself failed to run the container.",
        blame=Blame.DEPLOYMENT,
        remedy="Check the container definition, and on EC2 the agent's and docker's log of the host.",
        page=pages.WHY_STOPPED,
    ),
    TerminationRule(
        id="exit-126",
        exits=frozenset({126}),
        cause="The command exists in the image but cannot be executed.",
        blame=Blame.DEPLOYMENT,
        replacement=Replacement.NO,
        remedy="Make the entry point executable, with a valid interpreter line, for the container's user.",
        page=pages.WHY_STOPPED,
    ),
    TerminationRule(
        id="exit-127",
        exits=frozenset({127}),
        cause="The command does not exist in the image.",
        blame=Blame.DEPLOYMENT,
        replacement=Replacement.NO,
        remedy="Use an image that has Airflow's Python on its PATH.",
        page=pages.WHY_STOPPED,
    ),
    TerminationRule(
        id="exit-130",
        exits=frozenset({130}),
        cause="The container was interrupted (SIGINT).",
        blame=Blame.UNKNOWN,
        remedy=f"{_LOGS}, and look for who sent the signal.",
        page=pages.WHY_STOPPED,
    ),
    TerminationRule(
        id="exit-132-135-136",
        exits=frozenset({132, 135, 136}),
        cause="The process crashed on an illegal instruction, a bus error or an arithmetic fault.",
        blame=Blame.TASK,
        remedy=f"{_LOGS}; use native libraries built for the host's CPU.",
        page=pages.WHY_STOPPED,
    ),
    TerminationRule(
        id="exit-134",
        exits=frozenset({134}),
        cause="The process aborted itself (SIGABRT): a failed assertion or a memory fault in native code.",
        blame=Blame.TASK,
        remedy=f"{_LOGS}, and look for the native library that aborted.",
        page=pages.WHY_STOPPED,
    ),
    TerminationRule(
        id="exit-137",
        exits=frozenset({137}),
        cause="The container was killed (SIGKILL): out of memory most likely, or not gone within stopTimeout.",
        blame=Blame.TASK,
        remedy="Compare its memory use with its limit and give it more; else look for who stopped it.",
        page=pages.MEMORY,
    ),
    TerminationRule(
        id="exit-139",
        exits=frozenset({139}),
        cause="The process crashed with a memory fault (SIGSEGV) in native code.",
        blame=Blame.TASK,
        remedy=f"{_LOGS}; check native libraries and that the image was built for the host's CPU.",
        page=pages.WHY_STOPPED,
    ),
    TerminationRule(
        id="exit-143",
        exits=frozenset({143}),
        cause="The container was asked to stop (SIGTERM) and did.",
        blame=Blame.UNKNOWN,
        remedy="Look for who stopped it: a person, a scale-in, a Spot interruption or Airflow itself.",
        page=pages.STOP_TASK,
    ),
    TerminationRule(
        id="exit-255",
        exits=frozenset({255}),
        cause="The container ended with a code out of range: its entry point failed, or its host went down.",
        blame=Blame.UNKNOWN,
        remedy=f"{_LOGS}, and on EC2 look at the state of the host.",
        page=pages.WHY_STOPPED,
    ),
    TerminationRule(
        id="exit-signal",
        exits=_OTHER_SIGNALS,
        cause="The container was ended by a signal: its exit code less 128.",
        blame=Blame.UNKNOWN,
        remedy=f"{_LOGS}, and look for who sent the signal.",
        page=pages.WHY_STOPPED,
    ),
    TerminationRule(
        id="exit-other",
        exited=True,
        cause="The container ended with an exit code of its own: Airflow's task runner did not get to report.",
        blame=Blame.TASK,
        remedy=f"{_LOGS}: whatever called exit with that code says why.",
        page=pages.WHY_STOPPED,
    ),
)
