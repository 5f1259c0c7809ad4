"""Attribution: findings on a request as problems of the options that it was built from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aws_exec.settings.common.options import ExecutorOptions
from aws_exec.settings.common.problems import Finding, Problem, masked, variable_of


@dataclass(frozen=True, slots=True)
class Attribution:
    """Turns findings into problems.

    Attributes:
        options: the request was built from.
        option_of: the option of each member of the request that has one.
        kwargs: the option of all other members.
        reference: where AWS describes the request, for the remedy.
        team: of the options.
        where: `file:line:column` of the options from awsexec.yaml.
    """

    options: ExecutorOptions
    option_of: Mapping[str, str]
    kwargs: str
    reference: str
    team: str | None = None
    where: Mapping[str, str] = field(default_factory=dict)

    def of(self, findings: Iterable[Finding]) -> list[Problem]:
        """Return one problem for each finding, of the option that its path comes from."""
        return [self.problem(self.option_of.get(_top(finding), self.kwargs), finding) for finding in findings]

    def of_kwargs(self, findings: Iterable[Finding]) -> list[Problem]:
        """Return one problem of the `*_kwargs` option for each finding."""
        return [self.problem(self.kwargs, finding) for finding in findings]

    def problem(self, name: str, finding: Finding) -> Problem:
        """Return the problem of one option."""
        value = getattr(self.options, name) or None
        whole = finding.path in ("", name) or self.option_of.get(finding.path) == name
        return Problem(
            section=self.options.section,
            option=name,
            value=None if value is None else masked(name, value),
            message=finding.message if whole else f"{finding.path}: {finding.message}",
            variable=variable_of(self.options.section, name, self.team),
            remedy=finding.remedy or f"Correct it as in the {self.reference}",
            where=self.where.get(name, ""),
            rule=finding.rule,
            path="" if whole else finding.path,
        )


def _top(finding: Finding) -> str:
    return finding.path.partition(".")[0].partition("[")[0]
