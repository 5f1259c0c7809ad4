"""The fleet listing: all running containers of the deployment, and what to do with those not followed here.

Orphans are reported, and stopped if `reap_orphans` is set. A callback of a dead scheduler is followed to its end. An
adopted launch is submitted when no earlier container of it runs.

A listing has two steps: what runs (`ListFleet`), then who owns it (`FindOwners`), by Airflow's rows and never by this
executor's memory alone: other schedulers and teams have launches of theirs. `orphans.py` decides who owns a container.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.adoption import wait_for_listing
from aws_exec.lifecycle.deadlines import with_time_to_start
from aws_exec.lifecycle.exits import wake_waiting
from aws_exec.lifecycle.launch import Container, Launch, Owned, Running
from aws_exec.lifecycle.launching import attach_job
from aws_exec.lifecycle.orphans import FleetMember, Orphan, Owner, is_owned
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.policy import BACKOFF
from aws_exec.lifecycle.stopping import SUPERSEDED, stop_launch
from aws_exec.lifecycle.store import Findings, FleetListing, Transaction
from aws_exec.lifecycle.values import (
    Key,
    LaunchId,
    Status,
)
from aws_exec.lifecycle.watching import see

REAPED = "Nobody owns it: its task instance has moved on (awsexec, reap_orphans)"


def list_fleet(transaction: Transaction, now: float) -> None:
    """List the fleet, if that is due."""
    state = transaction.state
    due = transaction.policy.orphan_interval is not None and now >= state.listing.due
    if not due or state.fleet_request or state.listing.findings is not None or state.draining:
        return
    request_id = transaction.new_request_id()
    transaction.add_effect(do.ListFleet(request_id=request_id))
    listing = replace(state.listing, began=now)
    transaction.state = replace(transaction.state, fleet_request=request_id, listing=listing)


def fleet_listed(transaction: Transaction, event: on.FleetListed, _now: float) -> None:
    """Find the owners of all running containers of this deployment."""
    if event.request_id != transaction.state.fleet_request:
        return
    by_arn = {
        member.seen.job.arn: member
        for member in event.members
        if member.identity.deployment == transaction.policy.deployment
    }
    request_id = transaction.new_request_id()
    transaction.add_effect(do.FindOwners(request_id=request_id, members=tuple(by_arn.values())))
    transaction.state = replace(transaction.state, fleet_request=request_id)


def list_fleet_failed(transaction: Transaction, event: on.ListFleetFailed, now: float) -> None:
    """List the fleet again, a little later."""
    state = transaction.state
    if event.request_id != state.fleet_request:
        return
    failures = state.listing.failures + 1
    wait = min(transaction.policy.orphan_interval or 0.0, BACKOFF[event.failure.kind].after(failures, "listing"))
    listing = replace(state.listing, failures=failures, due=now + wait)
    transaction.state = replace(state, fleet_request=0, listing=listing)


def owners_found(transaction: Transaction, event: on.OwnersFound, now: float) -> None:
    """Judge each container, with its owner; the next Ticks do the rest if there are many."""
    state = transaction.state
    if event.request_id != state.fleet_request:
        return
    launches = transaction.store.launches
    token_bases = {each.token_base for each in launches.values() if each.token_base != each.launch_id}
    findings = Findings(event.alive, frozenset(token_bases.union(launches)))
    transaction.state = replace(state, fleet_request=0, listing=replace(state.listing, findings=findings))
    transaction.do_in_steps(judge, event.newest_first, now)
    transaction.do_in_steps(conclude, (), now)


def judge(transaction: Transaction, pairs: Sequence[tuple[FleetMember, Owner]], now: float) -> None:
    """Judge some of the containers: stop rivals of adopted launches, follow callbacks, note those without an owner."""
    findings = transaction.state.listing.findings or Findings()
    callbacks: set[Key] = set()
    unowned: list[FleetMember] = []
    for member, owner in pairs:
        if member.identity.launch_id in findings.followed or transaction.of_job(member.seen.job) is not None:
            continue  # it is the container of a launch of ours, or may become one
        if is_rival(transaction, member, owner, findings.alive, now):
            continue
        if owner.key is not None:
            if owner.key not in findings.callbacks and owner.key not in callbacks:
                follow_callback(transaction, member, owner.key, now)
                callbacks.add(owner.key)
        elif member.seen.status is not Status.STOPPED and not is_owned(member, owner, findings.alive):
            unowned.append(member)
    if callbacks or unowned:
        findings = suspect(transaction, replace(findings, callbacks=findings.callbacks | callbacks), unowned)
        listing = replace(transaction.state.listing, findings=findings)
        transaction.state = replace(transaction.state, listing=listing)


def suspect(transaction: Transaction, findings: Findings, unowned: Sequence[FleetMember]) -> Findings:
    """Return the findings with containers that nobody owns."""
    began, known = transaction.state.listing.began, transaction.state.listing.suspects
    since = {each.seen.job.arn: known.get(each.seen.job.arn, began) for each in unowned}
    orphans = {
        each.seen.job.arn: Orphan(each, unowned_for)
        for each in unowned
        if (unowned_for := began - since[each.seen.job.arn]) >= transaction.policy.orphan_age
    }
    return replace(findings, suspects={**findings.suspects, **since}, orphans={**findings.orphans, **orphans})


def conclude(transaction: Transaction, _nothing: Sequence[object], now: float) -> None:
    """End the listing: all containers have been judged."""
    findings = transaction.state.listing.findings or Findings()
    began = transaction.state.listing.began
    sooner = transaction.state.listing.due  # later than this one began, if something was adopted meanwhile
    due = sooner if sooner > began else began + (transaction.policy.orphan_interval or 0.0)
    transaction.state = replace(transaction.state, listing=FleetListing(due, began, suspects=findings.suspects))
    orphans = tuple(findings.orphans.values())
    reap = transaction.policy.reap_orphans and not transaction.state.draining
    transaction.add_effect(do.Orphans(found=orphans, stopped=reap))
    if reap and orphans:
        transaction.do_in_steps(stop_orphans, orphans, now)
    waited = [
        (launch_id, unlisted_since)
        for launch_id, unlisted_since in transaction.store.unlisted_since.items()
        if unlisted_since <= began
    ]
    transaction.do_in_steps(let_go, waited, now)


def let_go(transaction: Transaction, waited: Sequence[tuple[LaunchId, float]], now: float) -> None:
    """Wake the launches that waited for a listing that began after their adoption."""
    for launch_id, unlisted_since in waited:
        launch = transaction.get(launch_id)
        if launch is not None and launch.unlisted_since == unlisted_since:
            wake_waiting(transaction, transaction.put(replace(launch, unlisted_since=None)), now)


def is_rival(transaction: Transaction, member: FleetMember, owner: Owner, alive: Collection[str], now: float) -> bool:
    """Handle a container of a task instance that waits for this listing; return whether it was one.

    An earlier container of it runs the task instance already, and is followed, or must not run it, and is stopped.
    """
    if transaction.state.draining or member.seen.status is Status.STOPPED:
        return False
    mine = transaction.owner_of(owner.task) if owner.task is not None else None
    if mine is None or mine.job is not None or mine.unlisted_since is None:
        return False
    if mine.unlisted_since > transaction.state.listing.began:
        # The rows may have been read before it was adopted: the listing that it waits for decides.
        return True
    if owner.names in (member.seen.job.arn, member.identity.launch_id):
        # The row has named it since the adoption: our launch is out of date, which verifying its row will show.
        transaction.put(replace(mine, ownership=Owned(unverified=True)))
        return True
    if owner.runs:
        # It may be the launch's own container, which a pending search may still find: judge again after that.
        if mine.phase is Phase.SEARCHING:
            transaction.put(wait_for_listing(transaction, mine, now))
        elif mine.token_base not in alive:
            attach_job(transaction, mine, member.seen, now)
        return True
    rival = launch_of_member(member, mine.key).detach()
    if member.seen.started:
        rival = rival.with_progress(Running())
    stop_launch(transaction, transaction.put(rival), SUPERSEDED, now)
    return True


def stop_orphans(transaction: Transaction, orphans: Sequence[Orphan], _now: float) -> None:
    """Stop containers that nobody owns."""
    for orphan in orphans if not transaction.state.draining else ():
        # No launch waits for the answer: the next listing repeats a stop that failed.
        member = orphan.member
        transaction.add_effect(
            do.StopJob(
                request_id=transaction.new_request_id(),
                launch_id=member.identity.launch_id,
                job=member.seen.job,
                reason=REAPED,
            )
        )


def follow_callback(transaction: Transaction, member: FleetMember, key: Key, now: float) -> None:
    """Follow a callback of a dead scheduler to its end: Airflow hands it to no executor again. It is never replaced."""
    if transaction.owner_of(key) is not None or transaction.state.draining:
        return
    launch = transaction.put(with_time_to_start(transaction.policy, launch_of_member(member, key), now))
    transaction.add_effect(do.Launched(key=key, job=member.seen.job))
    see(transaction, launch, member.seen, now)


def launch_of_member(member: FleetMember, key: Key) -> Launch:
    """Return a launch for a container of the fleet, which must not be replaced."""
    job = member.seen.job
    launch = Launch(member.identity.launch_id, key, location=job.location)
    return launch.with_container(Container(job))
