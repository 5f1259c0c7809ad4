"""Public fakes for tests of what uses `aws_exec.clouds`, and the suite that every `Cloud` must pass.

* `FakeClock`: time that passes when told to.
* `FakeCloud`: a service in memory, whose jobs are started and ended by the test, with scripted faults.
* `aws_exec.testing.conformance`: what a `Cloud` promises, as tests; a new adapter subclasses `CloudConformance`.
"""

from aws_exec.testing.fakes import FakeClock, FakeCloud

__all__ = ["FakeClock", "FakeCloud"]
