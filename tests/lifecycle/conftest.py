"""Hypothesis profiles: `ci` is bounded and says the same every time; `deep` is for a night; `mutants` is quick."""

import os

from hypothesis import HealthCheck, settings

_COMMON = {
    "deadline": None,
    "print_blob": True,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
}
settings.register_profile("ci", max_examples=700, stateful_step_count=50, derandomize=True, **_COMMON)
settings.register_profile(
    "mutants", max_examples=150, stateful_step_count=40, derandomize=True, database=None, **_COMMON
)
settings.register_profile("local", max_examples=500, stateful_step_count=50, **_COMMON)
settings.register_profile("deep", max_examples=5000, stateful_step_count=120, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "local"))
