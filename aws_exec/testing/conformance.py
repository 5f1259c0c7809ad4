"""The conformance suite: what every `Cloud` promises, as tests.

A test module subclasses `CloudConformance` as `TestMyCloud` and gives it a fresh `World` before each test:

    class TestMyCloud(CloudConformance):
        @pytest.fixture(autouse=True)
        def _world(self):
            with my_world() as self.world:
                yield

pytest is not imported here: the suite is plain methods and asserts.
"""
# ruff: noqa: S101 -- a test suite asserts

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod

from aws_exec.clouds.cloud import Cloud, Request
from aws_exec.lifecycle.values import (
    CallFailure,
    FailureKind,
    Job,
    LaunchId,
    Observation,
    Status,
    Token,
    launch_of,
    token_of,
)


class World(ABC):
    """The service behind a cloud, as far as the suite must move it. Fresh for each test.

    Attributes:
        cloud: what is tested; of the deployment `ours`.
        location: where its requests go; empty if the service has one location.
    """

    cloud: Cloud
    location: str = ""

    @abstractmethod
    def request(self, token: Token) -> Request:
        """A request for a container that runs until `finish`; always the same for the same token."""

    @abstractmethod
    def other_request(self, token: Token) -> Request:
        """Another request for the same token: what another scheduler process would send (its JWT differs)."""

    @abstractmethod
    def start(self, job: Job) -> None:
        """Let the job's Airflow container start, and wait until the service says so."""

    @abstractmethod
    def finish(self, job: Job, exit_code: int) -> None:
        """Let a started job's Airflow container exit, and wait until the service says that the job stopped."""

    @abstractmethod
    def wait_until_stopped(self, job: Job) -> None:
        """Wait until the service says that a job which was told to stop has stopped."""

    @abstractmethod
    def refuse_next(self) -> None:
        """Let the service answer the next request with a refusal for want of room."""

    @abstractmethod
    def launch_foreign(self, token: Token | None) -> Job:
        """A running job of another deployment."""

    @abstractmethod
    def unknown_job(self) -> Job:
        """A job that looks right and never existed."""

    @abstractmethod
    def unhealthy(self) -> Cloud:
        """A cloud whose check must fail."""

    @abstractmethod
    def containers(self) -> int:
        """How many containers were ever made."""


class CloudConformance:
    """The suite. `world` is set anew before each test."""

    world: World

    # -- launching and looking ----------------------------------------------------------------------------------------

    def test_a_job_is_followed_from_its_launch_to_its_exit_code(self) -> None:
        """Submit, describe, running, exit code."""
        token = _token()
        launched = self._launch(token)
        assert launched.token == token
        assert launched.status is not Status.STOPPED
        assert self._look(launched.job).stop is None
        self.world.start(launched.job)
        running = self._look(launched.job)
        assert (running.status, running.started, running.stop) == (Status.RUNNING, True, None)
        assert running.token == token
        self.world.finish(launched.job, 3)
        ended = self._look(launched.job)
        assert ended.status is Status.STOPPED
        assert ended.started
        assert ended.stop is not None
        assert (ended.stop.exit_code, ended.stop.started, ended.stop.user_initiated) == (3, True, False)
        assert ended.stop.service == self.world.cloud.capabilities.service

    def test_the_same_token_twice_is_the_same_job(self) -> None:
        """Where the service promises it; elsewhere the machine looks before it asks again."""
        if not self.world.cloud.capabilities.idempotent_submit:
            return
        token = _token()
        first = self._launch(token)
        assert self._launch(token).job == first.job
        assert self.world.containers() == 1

    def test_another_request_for_a_used_token_answers_with_the_job_it_made(self) -> None:
        """The token of a task differs between scheduler processes, so the request does."""
        if not self.world.cloud.capabilities.idempotent_submit:
            return
        token = _token()
        first = self._launch(token)
        [again] = self.world.cloud.submit([self.world.other_request(token)])
        assert isinstance(again, Observation)
        assert (again.job, again.token) == (first.job, token)
        assert self.world.containers() == 1

    def test_a_refusal_is_an_answer_and_makes_nothing(self) -> None:
        """No exception: a CallFailure in place of the job."""
        self.world.refuse_next()
        [answer] = self.world.cloud.submit([self.world.request(_token())])
        assert isinstance(answer, CallFailure)
        assert answer.kind is FailureKind.NO_CAPACITY
        assert self.world.containers() == 0

    def test_an_unknown_job_is_missing_and_a_known_one_beside_it_is_seen(self) -> None:
        """Each is in one of the two."""
        job, unknown = self._launch(_token()).job, self.world.unknown_job()
        description = self.world.cloud.describe(self.world.location, [unknown, job])
        assert [seen.job for seen in description.seen] == [job]
        assert description.missing == (unknown,)

    # -- lists --------------------------------------------------------------------------------------------------------

    def test_nothing_asked_is_nothing_answered(self) -> None:
        """Empty lists are no error, and find nothing."""
        cloud, location = self.world.cloud, self.world.location
        assert list(cloud.submit([])) == []
        assert list(cloud.stop([], "")) == []
        assert list(cloud.find([], [location])) == []
        assert list(cloud.list_fleet([location])) == []
        description = cloud.describe(location, [])
        assert (description.seen, description.missing) == ((), ())

    def test_a_hundred_and_one_jobs_are_more_than_a_page(self) -> None:
        """Pages are the adapter's business."""
        cloud, location = self.world.cloud, self.world.location
        tokens = [_token() for _ in range(101)]
        answers = cloud.submit([self.world.request(token) for token in tokens])
        jobs = [answer.job for answer in answers if isinstance(answer, Observation)]
        assert len(set(jobs)) == len(tokens)
        assert {seen.job for seen in cloud.describe(location, jobs).seen} == set(jobs)
        assert {each.seen.job for each in cloud.list_fleet([location])} == set(jobs)
        found = cloud.find([launch_of(token) for token in tokens], [location])
        assert {seen.token: seen.job for seen in found} == dict(zip(tokens, jobs, strict=True))
        assert list(cloud.stop(jobs, "the test ends")) == [None] * len(jobs)

    def test_of_jobs_that_ran_those_are_told_of_that_no_longer_do(self) -> None:
        """What still runs needs no describing; what ended, and what nobody knows, does."""
        runs, ended = (self._launch(_token()).job for _ in range(2))
        for job in (runs, ended):
            self.world.start(job)
        self.world.finish(ended, 0)
        unknown = self.world.unknown_job()
        assert list(self.world.cloud.list_running(self.world.location, [runs, ended, unknown])) == [ended, unknown]
        assert list(self.world.cloud.list_running(self.world.location, [])) == []

    # -- stopping -----------------------------------------------------------------------------------------------------

    def test_a_running_job_is_stopped_on_purpose(self) -> None:
        """Its end says that somebody wanted it."""
        job = self._launch(_token()).job
        self.world.start(job)
        assert list(self.world.cloud.stop([job], "enough")) == [None]
        self.world.wait_until_stopped(job)
        stop = self._look(job).stop
        assert stop is not None
        assert stop.user_initiated
        assert stop.started
        assert stop.exit_code != 0
        assert "enough" in stop.reason

    def test_stopping_a_job_again_or_an_unknown_one_is_no_fault(self) -> None:
        """What is gone needs no stopping."""
        job = self._launch(_token()).job
        self.world.start(job)
        self.world.finish(job, 0)
        assert list(self.world.cloud.stop([job, self.world.unknown_job()], "gone")) == [None, None]
        stop = self._look(job).stop
        assert stop is not None
        assert (stop.exit_code, stop.user_initiated) == (0, False)

    # -- the fleet ----------------------------------------------------------------------------------------------------

    def test_jobs_are_found_by_launch_id_among_others_running_or_stopped(self) -> None:
        """Neither another launch nor another deployment is in the answer."""
        running, ended, other = _token(), _token(), _token()
        jobs = {token: self._launch(token).job for token in (running, ended, other)}
        self.world.launch_foreign(_token())
        self.world.start(jobs[ended])
        self.world.finish(jobs[ended], 1)
        unlaunched: LaunchId = str(uuid.uuid4())
        token_bases = [launch_of(running), launch_of(ended), unlaunched]
        found = {seen.token: seen for seen in self.world.cloud.find(token_bases, [self.world.location])}
        assert set(found) == {running, ended}
        assert found[running].job == jobs[running]
        assert found[running].status is not Status.STOPPED
        assert found[ended].job == jobs[ended]
        stop = found[ended].stop
        assert stop is not None
        assert stop.exit_code == 1

    def test_the_newest_container_of_a_launch_is_among_those_found(self) -> None:
        """A replaced container has the same launch id."""
        launch_id = str(uuid.uuid4())
        first = self._launch(token_of(launch_id, 1)).job
        self.world.cloud.stop([first], "replaced")
        self.world.wait_until_stopped(first)
        second = self._launch(token_of(launch_id, 2)).job
        found = {seen.token: seen.job for seen in self.world.cloud.find([launch_id], [self.world.location])}
        assert found[token_of(launch_id, 2)] == second

    def test_the_listing_shows_the_running_fleet_of_this_deployment(self) -> None:
        """What has stopped, and what others run, is not in it."""
        running, ended = _token(), _token()
        jobs = {token: self._launch(token).job for token in (running, ended)}
        self.world.launch_foreign(_token())
        self.world.launch_foreign(None)
        self.world.start(jobs[ended])
        self.world.finish(jobs[ended], 0)
        listed = self.world.cloud.list_fleet([self.world.location])
        assert [(each.seen.job, each.seen.token) for each in listed] == [(jobs[running], running)]

    def test_the_listing_tells_of_what_has_ended_where_that_is_asked_for(self) -> None:
        """Each end of the launches that were named and have nothing running; no end of any other."""
        running, ended, unasked = _token(), _token(), _token()
        jobs = {token: self._launch(token).job for token in (running, ended, unasked)}
        for token in (ended, unasked):
            self.world.start(jobs[token])
            self.world.finish(jobs[token], 0)
        asked = [launch_of(token) for token in (running, ended, _token())]
        listed = self.world.cloud.list_fleet([self.world.location], asked)
        told = {each.identity.token: each.seen.status is Status.STOPPED for each in listed}
        assert told == {running: False, ended: True}

    def test_the_listing_says_whose_each_container_is(self) -> None:
        """Its identity, as the container itself carries it."""
        token = _token()
        job = self._launch(token).job
        [each] = self.world.cloud.list_fleet([self.world.location])
        assert (each.seen.job, each.identity.token, each.identity.deployment) == (job, token, "ours")

    def test_a_place_named_twice_is_one_place(self) -> None:
        """Nothing is reported twice; where the location is the default, naming none is enough."""
        token, location = _token(), self.world.location
        job = self._launch(token).job
        for locations in ((location,), (location, location), (location,) if location else ()):
            assert [each.seen.job for each in self.world.cloud.list_fleet(locations)] == [job]
            assert [seen.job for seen in self.world.cloud.find([launch_of(token)], locations)] == [job]

    # -- health -------------------------------------------------------------------------------------------------------

    def test_the_check_is_silent_if_all_is_well_and_leaves_nothing_behind(self) -> None:
        """None: a launch could be asked for."""
        assert self.world.cloud.check() is None
        assert self.world.containers() == 0

    def test_the_check_says_what_stands_in_the_way(self) -> None:
        """A failure, not an exception."""
        failure = self.world.unhealthy().check()
        assert failure is not None
        assert failure.kind is not FailureKind.HELD
        assert str(failure)

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _launch(self, token: Token) -> Observation:
        [answer] = self.world.cloud.submit([self.world.request(token)])
        assert isinstance(answer, Observation), answer
        return answer

    def _look(self, job: Job) -> Observation:
        description = self.world.cloud.describe(self.world.location, [job])
        assert len(description.seen) == 1, description
        assert description.missing == ()
        return description.seen[0]


def _token() -> Token:
    return token_of(str(uuid.uuid4()), 1)
