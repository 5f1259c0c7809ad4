"""What a survey of the fleet shows, and what follows for what this executor does not know.

Orphans are told, and stopped where that is wanted; a callback of a dead scheduler is followed to its end; what was
adopted is launched when no earlier container of it lives.

One of the four files that decide; the rules are in `machine.py`. A survey is two questions: what runs (`Survey`), then
whose that is (`AskOwners`), by Airflow's rows and never by this executor's memory alone: other schedulers and teams
have launches of theirs. Whose a container is, is in `orphans.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import ClassVar

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.book import Draft, Record
from aws_exec.lifecycle.following import SUPERSEDED
from aws_exec.lifecycle.launching import Launching
from aws_exec.lifecycle.orphans import Orphan, Owner, Sighting, alive_in, is_owned, newest
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.policy import BACKOFF
from aws_exec.lifecycle.sweeping import Handlers
from aws_exec.lifecycle.values import Key, Status

REAPED = "Nobody owns it: its task instance has moved on (awsexec, reap_orphans)"


class Surveying(Launching):
    """The answers to surveys of the fleet."""

    def _surveyed(self, draft: Draft, event: on.Surveyed, _now: float) -> None:
        if event.ask != draft.clockwork.surveying:
            return
        by_arn = {
            sighting.seen.job.arn: sighting
            for sighting in event.sightings
            if sighting.identity.deployment == self.policy.deployment
        }
        ask = draft.ask()
        draft.want(do.AskOwners(ask, tuple(by_arn.values())))
        draft.clockwork = replace(draft.clockwork, surveying=ask)

    def _survey_failed(self, draft: Draft, event: on.SurveyFailed, now: float) -> None:
        clockwork = draft.clockwork
        if event.ask != clockwork.surveying:
            return
        faults = clockwork.survey_faults + 1
        wait = min(self.policy.orphan_interval or 0.0, BACKOFF[event.fault.trouble].after(faults, "survey"))
        draft.clockwork = replace(clockwork, surveying=0, survey_faults=faults, next_survey=now + wait)

    def _owners_told(self, draft: Draft, event: on.OwnersTold, now: float) -> None:
        clockwork = draft.clockwork
        if event.ask != clockwork.surveying:
            return
        alive = alive_in(event.sightings)
        followed = {launch_id for each in self.book.records.values() for launch_id in (each.launch_id, each.family)}
        unowned: list[Sighting] = []
        lost: dict[Key, Sighting] = {}
        for sighting, owner in zip(event.sightings, event.owners, strict=False):
            if sighting.identity.launch_id in followed or self._of_job(draft, sighting.seen.job) is not None:
                continue  # it is, or may come to be, a launch of ours
            if self._is_rival(draft, sighting, owner, alive, now):
                continue
            if owner.key is not None:
                lost[owner.key] = newest(lost.get(owner.key, sighting), sighting)
            elif sighting.seen.status is not Status.STOPPED and not is_owned(sighting, owner, alive):
                unowned.append(sighting)
        for key, sighting in lost.items():
            self._follow(draft, sighting, key, now)
        began = clockwork.survey_from
        suspects = {each.seen.job.arn: clockwork.suspects.get(each.seen.job.arn, began) for each in unowned}
        orphans = [
            Orphan(each, began - since)
            for each in unowned
            if began - (since := suspects[each.seen.job.arn]) >= self.policy.orphan_age
        ]
        self._tell_orphans(draft, orphans)
        self._let_go(draft, began, now)
        sooner = draft.clockwork.next_survey  # later than this one began, if something was adopted meanwhile
        draft.clockwork = replace(
            draft.clockwork,
            surveying=0,
            survey_faults=0,
            suspects=suspects,
            next_survey=sooner if sooner > began else began + (self.policy.orphan_interval or 0.0),
        )

    def _let_go(self, draft: Draft, began: float, now: float) -> None:
        """What waited for a survey that began later than its adoption waits no longer."""
        for record in filter(None, map(draft.get, self.book.records)):
            if record.unseen is not None and record.unseen <= began:
                self._wake_parked(draft, draft.put(replace(record, unseen=None)), now)

    def _is_rival(self, draft: Draft, sighting: Sighting, owner: Owner, alive: Collection[str], now: float) -> bool:
        """Whether an earlier container lives of what we are to launch: it runs that already, or must not."""
        if draft.clockwork.draining or sighting.seen.status is Status.STOPPED:
            return False
        mine = self._owner(draft, owner.task) if owner.task is not None else None
        if mine is None or mine.job is not None or mine.unseen is None:
            return False
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

    def _tell_orphans(self, draft: Draft, orphans: Sequence[Orphan]) -> None:
        reap = self.policy.reap_orphans and not draft.clockwork.draining
        draft.want(do.Orphans(tuple(orphans), reap))
        for orphan in orphans if reap else ():
            # It has no record, and its answer none to wait for it: what goes wrong is tried again by the next survey.
            sighting = orphan.sighting
            draft.want(do.StopJob(draft.ask(), sighting.identity.launch_id, sighting.seen.job, REAPED))

    def _follow(self, draft: Draft, sighting: Sighting, key: Key, now: float) -> None:
        """A callback of a dead scheduler, which Airflow hands to nobody again: to its end, and never replaced."""
        if self._owner(draft, key) is not None or draft.clockwork.draining:
            return
        record = draft.put(self._timed(self._sighted(sighting, key), now))
        draft.want(do.Launched(key, sighting.seen.job))
        self._see(draft, record, sighting.seen, now)

    def _sighted(self, sighting: Sighting, key: Key) -> Record:
        """A record of a container that a survey saw, which is not to be replaced."""
        job = sighting.seen.job
        return Record(sighting.identity.launch_id, key, phase=Phase.ACTIVE, place=job.place, job=job, containers=1)

    HANDLERS: ClassVar[Handlers] = MappingProxyType(
        {
            **Launching.HANDLERS,
            on.Surveyed: _surveyed,
            on.SurveyFailed: _survey_failed,
            on.OwnersTold: _owners_told,
        },
    )
