"""What Airflow knows of the launches it handed over: the judge of everything the machine says."""

from __future__ import annotations

from dataclasses import dataclass, field

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle.values import Job, Key, LaunchId, launch_of
from tests.lifecycle.model_cloud import Container, ModelCloud


@dataclass
class Launch:
    """One queueing of a task instance.

    `family` is the launch id that its tokens are made from: another than its own if it was adopted by ARN.
    """

    launch_id: LaunchId
    token_base: LaunchId
    key: Key
    fate: str = ""  #: empty while it is open, then reported, released, superseded or gone
    deadline: float | None = None
    told: Job | None = None  #: the external executor id, once it is an ARN
    stolen: bool = False  #: another scheduler adopted its row
    invalid: bool = False  #: its request is wrong and will stay so
    ran_in: Job | None = None  #: a container of an earlier launch that was let in instead of one of its own
    moved_on: bool = False  #: rescheduled: its row waits for another container of the same try
    ended: bool = False  #: somebody marked it failed before a container was let in, and told only its row


@dataclass
class ModelAirflow:
    """Launches by id, and the judgement of the effects that are Airflow's."""

    cloud: ModelCloud
    launches: dict[LaunchId, Launch] = field(default_factory=dict)
    #: Families whose containers nobody is left to track: their scheduler died after Airflow had let go of them.
    orphans: set[LaunchId] = field(default_factory=set)
    terminated: bool = False

    def owner(self, key: Key) -> Launch | None:
        """The open launch of a key."""
        found = [launch for launch in self.launches.values() if launch.key == key and not launch.fate]
        assert len(found) <= 1, f"{key} has two open launches: {found}"
        return found[0] if found else None

    def key_of_family(self, token_base: LaunchId) -> Key:
        """Whose containers these are."""
        return next(launch.key for launch in self.launches.values() if launch.token_base == token_base)

    def started(self, token_base: LaunchId) -> bool:
        """User code of a launch has run: its row is not QUEUED any more."""
        return any(c.started and c.token.rpartition("-")[0] == token_base for c in self.cloud.containers)

    def ours(self, launch_id: LaunchId) -> bool:
        """The row is QUEUED, by this scheduler, for this launch."""
        launch = self.launches[launch_id]
        return not launch.fate and not launch.stolen and self.is_queued(launch)

    def is_queued(self, launch: Launch) -> bool:
        """No container was let in for it, and it has not been marked failed."""
        return not (launch.ended or self.was_let_in(launch))

    def was_let_in(self, launch: Launch) -> bool:
        """A container was let in for it."""
        return launch.ran_in is not None or self.started(launch.token_base)

    def awaits(self, launch_id: LaunchId) -> bool:
        """The end of its container is news: the row waits for no other one, here or of another scheduler."""
        launch = self.launches[launch_id]
        return not launch.moved_on and not (launch.stolen and self.is_queued(launch))

    def to_be_marked(self) -> list[Launch]:
        """Open launches that somebody may mark failed before they run."""
        return [launch for launch in self.launches.values() if not launch.fate and self.is_queued(launch)]

    def unwanted(self, launch_id: LaunchId) -> bool:
        """Its row has ended, and no container was let in for it."""
        launch = self.launches[launch_id]
        return launch.ended and not self.was_let_in(launch)

    def let_in(self, container: Container) -> None:
        """What starts late asks for its task instance, and Airflow guards a state, not a launch."""
        token_base = launch_of(container.token)
        owner = self.owner(self.key_of_family(token_base))
        if (
            owner is not None
            and owner.token_base != token_base
            and token_base not in self.orphans
            and self.ours(owner.launch_id)
        ):
            owner.ran_in = container.job

    def supersede(self, key: Key) -> None:
        """A newer launch of the key was handed over."""
        if older := self.owner(key):
            older.fate = "superseded"

    def left_in_the_row(self, launch: Launch) -> Job | None:
        """A container of an earlier launch, which the row may name until this one has a container."""
        if any(launch_of(each.token) == launch.token_base for each in self.cloud.containers):
            return None
        token_bases = {each.token_base for each in self.launches.values() if each.key == launch.key}
        earlier = [each.job for each in self.cloud.containers if launch_of(each.token) in token_bases]
        return earlier[-1] if earlier else None

    # -- the effects that are Airflow's -------------------------------------------------------------------------------

    def hear(self, effect: do.Launched | do.Note | do.Release | do.Report) -> None:
        """Judge one effect."""
        owner = self.owner(effect.key)
        assert owner is not None, f"after the last word on {effect.key} came {effect}"
        if isinstance(effect, do.Release):
            owner.fate = "released"
        elif isinstance(effect, do.Launched):
            self._family_is(owner, effect.job)
            owner.told = effect.job
        elif isinstance(effect, do.Report):
            self._judge(owner, effect)
            owner.fate = "reported"

    def _family_is(self, owner: Launch, job: Job) -> None:
        token = self.cloud.get(job).token
        if job == owner.ran_in:
            return
        # Its row is not QUEUED any more, as if an earlier container had run it: that is all that anybody can see.
        if (owner.stolen or owner.ended) and self.key_of_family(launch_of(token)) == owner.key:
            return
        assert token.rpartition("-")[0] == owner.token_base, f"{job} of {token} is credited to {owner}"

    def reschedule(self, container: Container) -> None:
        """The user code that runs there says that it wants to be run again; it is about to exit."""
        for launch in self.launches.values():
            ran_there = launch.token_base == launch_of(container.token) or launch.ran_in == container.job
            if not launch.fate and not launch.ended and ran_there:
                launch.moved_on = True

    def _judge(self, owner: Launch, report: do.Report) -> None:
        late = owner.deadline is not None and "launch_timeout" in report.text
        if report.job is not None:
            self._family_is(owner, report.job)
        if report.stop is not None and report.job is not None:
            assert not owner.moved_on, f"{report} fails a task that waits for its next container"
            container = self.cloud.get(report.job)
            assert not container.user_code_runs, f"{report} while its user code runs"
            missing = report.stop.reason.startswith("MISSING")
            assert missing or report.stop == container.ended, f"{report}, but it ended {container.ended}"
            assert report.success == (report.stop.exit_code == 0), f"{report} does not say how it ended"
        else:
            assert not report.success, f"{report} of what nobody saw end"
            assert report.failure is not None or report.text, f"{report} gives no reason"
        if not late and not self.terminated:
            for container in self.cloud.live_of(owner.token_base):
                assert container.ended is not None, f"{report} while {container} lives"
