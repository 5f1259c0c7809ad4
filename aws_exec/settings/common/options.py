"""The options of every executor.

One pydantic model per executor, on the common base here. A field is declared with `option(...)`, whose description
serves provider metadata, documentation and error messages.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.config import JsonDict

from aws_exec.settings.common.coercion import boolean, json_object, positive_seconds, seconds, store_url, word
from aws_exec.settings.common.merge import Grammar, camelized
from aws_exec.settings.common.option_info import option_catalogue
from aws_exec.settings.common.problems import OptionsError, Problem, masked, message_of, section_of, variable_of

#: Seconds that a container may take to start if instances must start first: a shorter `[scheduler]
#: task_queued_timeout` would revoke tasks that still start.
SLOW_START = 3600.0

Boolean = Annotated[bool, BeforeValidator(boolean)]
Positive = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Seconds = Annotated[Positive, BeforeValidator(seconds)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
StoreWhen = Literal["always", "too-long"]
Stripped = Annotated[str, BeforeValidator(lambda value: value.strip() if isinstance(value, str) else value)]


def option(
    default: Any,
    description: str,
    *,
    example: str,
    kind: str = "string",
    unit: str | None = None,
    required: bool = False,
    version_added: str = "0.1.0",
    **field: Any,
) -> Any:
    """Declare one option.

    Args:
        default: its value when nothing is configured.
        description: one or more sentences, for documentation.
        example: as it would be written in airflow.cfg.
        kind: Airflow's word for its type: string, boolean, integer or float.
        unit: of a number (`s`, `1/s`); None for anything else.
        required: the executor cannot start without it.
        version_added: the release of awsexec that brought it.
        field: passed on to pydantic.
    """
    about: JsonDict = {
        "kind": kind,
        "unit": unit,
        "example": example,
        "required": required,
        "version_added": version_added,
    }
    return Field(default=default, description=description, examples=[example], json_schema_extra=about, **field)


def attempts_option() -> Any:
    """Declare how many containers one launch may use up; each executor names it as the Amazon provider does."""
    return option(
        3,
        "How many containers are tried for one task before it fails. Only a container that never started is replaced; "
        "throttles, missing capacity and outages cost no attempt.",
        example="3",
        kind="integer",
        ge=1,
    )


def kwargs_option(operation: str, example: str) -> Any:
    """Declare further arguments of the launching call."""
    return option(
        {},
        f"A JSON object of further {operation} arguments, in camelCase or snake_case; they win over the options above "
        "and merge with them by meaning.",
        example=example,
        repr=False,  # it may set environment variables, and options are logged
    )


def named_in(kwargs: object, option_of: Mapping[str, str], grammar: Grammar) -> frozenset[str]:
    """Return the options that the raw text of a `*_kwargs` option sets; `option_of` has the option of each member."""
    try:
        document = json_object(kwargs)
    except ValueError:
        return frozenset()  # reported as a separate problem
    members = {camelized(str(key), grammar) for key, value in document.items() if value}
    return frozenset(option for member, option in option_of.items() if member in members)


def _is_off(value: object) -> bool:
    """Return whether the raw text of an option means False; another mistake in it is reported separately."""
    try:
        return value is not None and not boolean(value)
    except ValueError:
        return False


class ExecutorOptions(BaseModel):
    """The common options of all executors. Durations are in seconds, rates per second."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: The section of Airflow's configuration; each executor has its own.
    section: ClassVar[str] = ""
    #: Options that may be empty; for all others empty means absent.
    may_be_empty: ClassVar[frozenset[str]] = frozenset()
    #: Options that exclude each other: where Airflow's configuration sets one, awsexec.yaml's other one is displaced.
    rivals: ClassVar[Mapping[str, str]] = {}

    check_health_on_startup: Boolean = option(
        True,  # noqa: FBT003 - the default of a boolean option
        "Whether to check at start, once, that this executor can launch, and to refuse to start if not.",
        example="True",
        kind="boolean",
    )
    deployment: Stripped | None = option(
        None,
        "The name of this Airflow among all that share the AWS account: jobs are listed and adopted by it. "
        "Without it, derived from the metadata database's URL and `[api] base_url`.",
        example="production",
        # It becomes startedBy, which allows no other characters.
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
    )
    launch_rate: Rate | None = option(
        None,
        "How many launches (and stops) are sent per second at most. Without it, the documented quota.",
        example="20",
        kind="float",
        unit="1/s",
    )
    launch_burst: Annotated[int, Field(ge=1)] | None = option(
        None,
        "How many launches may be sent at once after a pause, before `launch_rate` holds. Without it, nine tenths of "
        "what the service saves up: health checks and other users of the account take some, too.",
        example="90",
        kind="integer",
    )
    describe_rate: Rate = option(
        20.0,
        "How many describe and list calls are sent per second at most.",
        example="20",
        kind="float",
        unit="1/s",
    )
    poll_interval: Annotated[Seconds, Field(gt=0)] = option(
        5.0,
        "How often running jobs are polled. The interval grows automatically if `describe_rate` does not suffice.",
        example="5",
        kind="float",
        unit="s",
    )
    launch_timeout: Annotated[Positive | None, BeforeValidator(positive_seconds)] = option(
        None,
        "How long a job may take from being queued to running the task before it is given up; of an adopted one, "
        "from the adoption. Off without it, or with 0; `[scheduler] task_queued_timeout` holds in any case, so this "
        "can only shorten it.",
        example="300",
        kind="float",
        unit="s",
    )
    shutdown_timeout: Seconds = option(
        20.0,
        "How long a stopping scheduler waits, at most, for AWS to answer the launches and accept the stops that are "
        "under way. It does not wait for running jobs: the next scheduler adopts them. 0 leaves at once.",
        example="20",
        kind="float",
        unit="s",
    )
    stop_grace: Seconds = option(
        120.0,
        "How long the rest of a job may outlive its Airflow container before it is stopped. The default is the "
        "longest stop timeout of a container on Fargate, so that containers can shut down by themselves.",
        example="120",
        kind="float",
        unit="s",
    )
    missing_grace: Seconds = option(
        60.0,
        "How long to ignore AWS's answer that a job does not exist: reads are eventually consistent.",
        example="60",
        kind="float",
        unit="s",
    )

    container_entry: Boolean = option(
        True,  # noqa: FBT003 - the default of a boolean option
        "Whether the container runs the task by way of `aws_exec.container`, if its image has awsexec: its exit code "
        "is then the task's outcome, and its log ends with a usage record. An image without awsexec runs the task as "
        "the Amazon provider's executors do.",
        example="True",
        kind="boolean",
    )
    workload_store: Annotated[str | None, BeforeValidator(store_url)] = option(
        None,
        "Where in S3 a workload waits for its container, instead of in the container's command. The command then has "
        "neither the task's token nor a limit for the workload's length. The image needs awsexec; docs/container.md "
        "has the permissions.",
        example="s3://airflow-workloads/production",
    )
    workload_store_when: Annotated[StoreWhen, BeforeValidator(word)] = option(
        "always",
        "Which workloads `workload_store` is for: `always`, or `too-long`, which means those that do not fit into the "
        "8,192 characters of a command.",
        example="too-long",
    )

    orphan_interval: Annotated[Positive | None, BeforeValidator(positive_seconds)] = option(
        900.0,
        "How often to search for containers of this deployment without a task instance or callback, and for callbacks "
        "of schedulers that died; 0 turns it off. Needs the permission to list.",
        example="900",
        kind="float",
        unit="s",
    )
    reap_orphans: Boolean = option(
        False,  # noqa: FBT003 - the default of a boolean option
        "Whether to stop such containers if two searches at least 15 minutes apart find them. They are "
        "logged and counted in any case. Two Airflows that share an account must not share a `deployment`.",
        example="True",
        kind="boolean",
    )

    @classmethod
    def conflicts(cls, given: Mapping[str, Any], team: str | None) -> Iterable[Problem]:
        """Return conflicts between options by their raw text; reported together with malformed ones.

        Args:
            given: the raw text of every option that is set.
            team: of the options.
        """
        if "workload_store" in given and _is_off(given.get("container_entry")):
            yield Problem(
                section=cls.section,
                option="workload_store",
                value=masked("workload_store", given["workload_store"]),
                message="needs the container's entry, and container_entry is off",
                variable=variable_of(cls.section, "workload_store", team),
                remedy="Unset one of the two",
                rule="option-conflict",
            )

    @classmethod
    def elsewhere(cls, given: Mapping[str, Any]) -> Container[str]:  # noqa: ARG003 - for subclasses
        """Return required options that another option sets, by the raw text of every option that is set."""
        return ()

    @property
    def max_attempts(self) -> int:
        """How many containers one launch may use up; each executor names the option differently."""
        raise NotImplementedError

    @property
    def launches_per_second(self) -> float:
        """`launch_rate`, or the service's documented quota."""
        raise NotImplementedError

    #: The service's burst: launches that it allows at once after a pause.
    saved_launches: ClassVar[int]

    @property
    def launches_at_once(self) -> int:
        """`launch_burst`, or nine tenths of the service's burst.

        The full burst is too much: a throttle at its end halves the rate for half a minute.
        """
        return self.launch_burst if self.launch_burst is not None else self.saved_launches * 9 // 10


class AwsOptions(ExecutorOptions):
    """The common options of the executors of AWS's services: the account and the Region."""

    #: The name of the Airflow container; each service documents when it is needed.
    container_name: Stripped

    #: Without a connection, boto3's own chain of credentials decides, as in the Amazon provider.
    may_be_empty: ClassVar[frozenset[str]] = frozenset({"conn_id"})

    conn_id: Stripped = option(
        "aws_default",
        "The Airflow connection whose credentials are used for all calls to AWS.",
        example="aws_default",
    )
    region_name: Stripped | None = option(
        None,
        "The AWS Region to work in. Without it, that of the connection, then that of the AWS environment.",
        example="eu-central-1",
    )


AnyOptions = TypeVar("AnyOptions", bound=ExecutorOptions)


@dataclass(frozen=True, slots=True)
class FileOptions:
    """The options of one executor in awsexec.yaml, under Airflow's. `where` has each `file:line:column`."""

    values: Mapping[str, Any] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)


NO_FILE_OPTIONS = FileOptions()


def load(
    model: type[AnyOptions],
    get: Callable[[str], str | None],
    *,
    team: str | None = None,
    require: bool = True,
    file_options: FileOptions = NO_FILE_OPTIONS,
) -> AnyOptions:
    """Return the options of one executor from Airflow's configuration and awsexec.yaml; the former wins.

    Args:
        model: of the executor.
        get: returns the raw text of an option in that section (of that team), or None; empty text means absent.
        team: of the configuration that `get` reads, for messages.
        require: whether required options must be set.
        file_options: of awsexec.yaml.

    Raises:
        OptionsError: with every problem found.
    """
    configured = {
        name: raw
        for name in model.model_fields
        if (raw := get(name)) is not None and (str(raw).strip() or name in model.may_be_empty)
    }
    displaced = {model.rivals.get(name) for name in configured}
    under = {
        name: value
        for name, value in file_options.values.items()
        if name in model.model_fields and name not in displaced
    }
    given = {**under, **configured}
    where = {
        name: position for name, position in file_options.where.items() if name in under and name not in configured
    }
    problems = list(model.conflicts(given, team))
    try:
        options = model.model_validate(given)
    except ValidationError as error:
        problems += [_problem(model, given, entry, team, where) for entry in error.errors(include_url=False)]
    problems = [replace(problem, where=where.get(problem.option, "")) for problem in problems]
    if require:
        problems += missing(model, given, team, in_file=bool(under))
    if problems:
        raise OptionsError(problems)
    return options


def missing(
    model: type[ExecutorOptions], given: Mapping[str, Any], team: str | None, *, in_file: bool = False
) -> list[Problem]:
    """Return one problem for each required option that is not set; `in_file`: awsexec.yaml has some of the options."""
    place = f"in section [{section_of(model.section, team)}] of airflow.cfg or in the environment, for example to "
    elsewhere = model.elsewhere(given)
    return [
        Problem(
            section=model.section,
            option=info.name,
            value=None,
            message="is required",
            variable=variable_of(model.section, info.name, team),
            remedy=f"Write it as in {info.name}: {info.example}" if in_file else f"Set it {place}{info.example}",
            where="awsexec.yaml" if in_file else "",
            rule="option-required",
        )
        for info in option_catalogue(model)
        if info.required and info.name not in given and info.name not in elsewhere
    ]


def _problem(
    model: type[ExecutorOptions], given: dict[str, Any], entry: Any, team: str | None, in_file: Container[str]
) -> Problem:
    name = str(entry["loc"][0]) if entry["loc"] else ""
    info = model.model_fields.get(name)
    about: Any = info.json_schema_extra if info else {"example": ""}
    return Problem(
        section=model.section,
        option=name,
        value=masked(name, given.get(name)),
        message=message_of(entry),
        variable=variable_of(model.section, name, team),
        remedy=f"Write it as in {name}{':' if name in in_file else ' ='} {about['example']}",
    )
