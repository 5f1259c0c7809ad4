"""What a survey of the fleet shows, and what follows for what this executor does not know.

Orphans are told, and stopped where that is wanted; a callback of a dead scheduler is followed to its end; what was
adopted is launched when no earlier container of it lives.

One of the four files that decide; the rules are in `machine.py`. A survey is two questions: what runs (`ListFleet`),
then whose that is (`FindOwners`), by Airflow's rows and never by this executor's memory alone: other schedulers and
teams have launches of theirs. Whose a container is, is in `orphans.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import ClassVar

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.book import Findings, Kind, Record, SurveyState, Transaction
from aws_exec.lifecycle.following import SUPERSEDED
from aws_exec.lifecycle.launching import Launching
from aws_exec.lifecycle.orphans import FleetMember, Orphan, Owner, is_owned
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.policy import BACKOFF
from aws_exec.lifecycle.sweeping import Handlers, Workers
from aws_exec.lifecycle.values import Key, LaunchId, Status

REAPED = "Nobody owns it: its task instance has moved on (awsexec, reap_orphans)"


class Surveying(Launching):
    """The answers to surveys of the fleet."""

    def _surveyed(self, draft: Transaction, event: on.FleetListed, _now: float) -> None:
        if event.request_id != draft.state.surveying:
            return
        by_arn = {
            sighting.seen.job.arn: sighting
            for sighting in event.sightings
            if sighting.identity.deployment == self.policy.deployment
        }
        request_id = draft.new_request_id()
        draft.want(do.FindOwners(request_id=request_id, sightings=tuple(by_arn.values())))
        draft.state = replace(draft.state, surveying=request_id)

    def _survey_failed(self, draft: Transaction, event: on.ListFleetFailed, now: float) -> None:
        state = draft.state
        if event.request_id != state.surveying:
            return
        faults = state.survey.faults + 1
        wait = min(self.policy.orphan_interval or 0.0, BACKOFF[event.fault.trouble].after(faults, "survey"))
        survey = replace(state.survey, faults=faults, due=now + wait)
        draft.state = replace(state, surveying=0, survey=survey)

    def _owners_told(self, draft: Transaction, event: on.OwnersFound, now: float) -> None:
        state = draft.state
        if event.request_id != state.surveying:
            return
        records = self.book.records
        families = {each.family for each in records.values() if each.family != each.launch_id}
        findings = Findings(event.alive, frozenset(families.union(records)))
        draft.state = replace(state, surveying=0, survey=replace(state.survey, findings=findings))
        self._leave(draft, Kind.OWNERS, event.newest_first, now)
        self._leave(draft, Kind.CONCLUDE, (), now)

    def _judge(self, draft: Transaction, pairs: Sequence[tuple[FleetMember, Owner]], now: float) -> None:
        """Take in whose some of the containers are."""
        findings = draft.state.survey.findings or Findings()
        callbacks: set[Key] = set()
        unowned: list[FleetMember] = []
        for sighting, owner in pairs:
            if sighting.identity.launch_id in findings.followed or self._of_job(draft, sighting.seen.job) is not None:
                continue  # it is, or may come to be, a launch of ours
            if self._is_rival(draft, sighting, owner, findings.alive, now):
                continue
            if owner.key is not None:
                if owner.key not in findings.callbacks and owner.key not in callbacks:
                    self._follow(draft, sighting, owner.key, now)
                    callbacks.add(owner.key)
            elif sighting.seen.status is not Status.STOPPED and not is_owned(sighting, owner, findings.alive):
                unowned.append(sighting)
        if callbacks or unowned:
            findings = self._suspect(draft, replace(findings, callbacks=findings.callbacks | callbacks), unowned)
            survey = replace(draft.state.survey, findings=findings)
            draft.state = replace(draft.state, survey=survey)

    def _suspect(self, draft: Transaction, findings: Findings, unowned: Sequence[FleetMember]) -> Findings:
        """What was found, with containers that nobody owns."""
        began, known = draft.state.survey.began, draft.state.survey.suspects
        since = {each.seen.job.arn: known.get(each.seen.job.arn, began) for each in unowned}
        orphans = {
            each.seen.job.arn: Orphan(each, unowned_for)
            for each in unowned
            if (unowned_for := began - since[each.seen.job.arn]) >= self.policy.orphan_age
        }
        return replace(findings, suspects={**findings.suspects, **since}, orphans={**findings.orphans, **orphans})

    def _conclude(self, draft: Transaction, _nothing: Sequence[object], now: float) -> None:
        """All containers have been judged: the survey is over."""
        findings = draft.state.survey.findings or Findings()
        began = draft.state.survey.began
        sooner = draft.state.survey.due  # later than this one began, if something was adopted meanwhile
        due = sooner if sooner > began else began + (self.policy.orphan_interval or 0.0)
        draft.state = replace(draft.state, survey=SurveyState(due, began, suspects=findings.suspects))
        orphans = tuple(findings.orphans.values())
        reap = self.policy.reap_orphans and not draft.state.draining
        draft.want(do.Orphans(found=orphans, stopped=reap))
        if reap and orphans:
            self._leave(draft, Kind.REAP, orphans, now)
        waited = [(launch_id, unseen) for launch_id, unseen in self.book.unseen.items() if unseen <= began]
        self._leave(draft, Kind.LET_GO, waited, now)

    def _let_go(self, draft: Transaction, waited: Sequence[tuple[LaunchId, float]], now: float) -> None:
        """What waited for a survey that began later than its adoption waits no longer."""
        for launch_id, unseen in waited:
            record = draft.get(launch_id)
            if record is not None and record.unseen == unseen:
                self._wake_parked(draft, draft.put(replace(record, unseen=None)), now)

    def _is_rival(
        self, draft: Transaction, sighting: FleetMember, owner: Owner, alive: Collection[str], now: float
    ) -> bool:
        """Whether an earlier container lives of what we are to launch: it runs that already, or must not."""
        if draft.state.draining or sighting.seen.status is Status.STOPPED:
            return False
        mine = self._owner(draft, owner.task) if owner.task is not None else None
        if mine is None or mine.job is not None or mine.unseen is None:
            return False
        if mine.unseen > draft.state.survey.began:
            # The rows may have been read before it was adopted: the survey that it waits for judges.
            return True
        if owner.names in (sighting.seen.job.arn, sighting.identity.launch_id):
            # The row has moved on to it since the adoption: ours is what is out of date, and its row will say so.
            draft.put(replace(mine, doubtful=True))
            return True
        if owner.runs:
            # Unless it is the launch's own container that runs it, which a look may still find: see again after that.
            if mine.phase is Phase.LOCATING:
                draft.put(self._wait_for_survey(draft, mine, now))
            elif mine.family not in alive:
                self._got_job(draft, mine, sighting.seen, now)
            return True
        rival = replace(self._sighted(sighting, mine.key), started=sighting.seen.started, silent=True)
        self._doom(draft, draft.put(rival), SUPERSEDED, now)
        return True

    def _reap(self, draft: Transaction, orphans: Sequence[Orphan], _now: float) -> None:
        for orphan in orphans if not draft.state.draining else ():
            # It has no record, and its answer none to wait for it: what goes wrong is tried again by the next survey.
            sighting = orphan.sighting
            draft.want(
                do.StopJob(
                    request_id=draft.new_request_id(),
                    launch_id=sighting.identity.launch_id,
                    job=sighting.seen.job,
                    reason=REAPED,
                )
            )

    def _follow(self, draft: Transaction, sighting: FleetMember, key: Key, now: float) -> None:
        """A callback of a dead scheduler, which Airflow hands to nobody again: to its end, and never replaced."""
        if self._owner(draft, key) is not None or draft.state.draining:
            return
        record = draft.put(self._timed(self._sighted(sighting, key), now))
        draft.want(do.Launched(key=key, job=sighting.seen.job))
        self._see(draft, record, sighting.seen, now)

    def _sighted(self, sighting: FleetMember, key: Key) -> Record:
        """A record of a container that a survey saw, which is not to be replaced."""
        job = sighting.seen.job
        return Record(
            sighting.identity.launch_id, key, phase=Phase.ACTIVE, location=job.location, job=job, containers=1
        )

    HANDLERS: ClassVar[Handlers] = MappingProxyType(
        {
            **Launching.HANDLERS,
            on.FleetListed: _surveyed,
            on.ListFleetFailed: _survey_failed,
            on.OwnersFound: _owners_told,
        },
    )
    WORKERS: ClassVar[Workers] = MappingProxyType(
        {**Launching.WORKERS, Kind.OWNERS: _judge, Kind.CONCLUDE: _conclude, Kind.REAP: _reap, Kind.LET_GO: _let_go},
    )
