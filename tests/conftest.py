"""How hard the tests search (HYPOTHESIS_PROFILE=dev, ci, nightly), and which engine they ran on."""

import os

import browser
import pytest
from hypothesis import HealthCheck, settings

import engine
from engine.build_info import describe

SLOW_MACHINES = [HealthCheck.too_slow]  # two cores, shared: no reason to fail

settings.register_profile("dev", max_examples=20, deadline=None)
settings.register_profile(
    "ci",
    max_examples=200,
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=SLOW_MACHINES,
)
settings.register_profile(
    "nightly", max_examples=5000, deadline=None, print_blob=True, suppress_health_check=SLOW_MACHINES
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "dev"))


chromium = pytest.fixture(scope="session")(browser.chromium)
open_page = pytest.fixture(browser.open_page)


def pytest_report_header() -> str:
    return f"engine: {describe()}, {os.path.dirname(engine.__file__)}"
