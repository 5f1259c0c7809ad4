"""Public fakes for tests of code that uses `aws_exec.clouds`, and the suite that every `Cloud` must pass.

* `FakeClock`: a clock that a test advances.
* `FakeCloud`: a service in memory, whose jobs a test starts and ends, with scripted faults.
* `aws_exec.testing.conformance`: what a `Cloud` promises, as tests; a new adapter subclasses `CloudConformance`.
"""

from aws_exec.testing.fakes import FakeClock, FakeCloud

__all__ = ["FakeClock", "FakeCloud"]
