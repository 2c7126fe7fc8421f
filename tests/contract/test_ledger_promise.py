"""P4, never over budget and no money stuck: the machine of `tests.fakes.ledger_machine`, for a few seconds.

`make bench ARGS="--only ledger"` drives it for 100,000 steps.
"""

from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.fakes.ledger_machine import ledger_machine, ledger_world


def test_p4_whatever_happens_nothing_is_overspent_and_no_money_is_stuck(tmp_path: Path) -> None:
    with ledger_world(tmp_path) as world:
        checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
        brief = settings(max_examples=20, stateful_step_count=40, deadline=None, suppress_health_check=checks)
        run_state_machine_as_test(ledger_machine(world), settings=brief)
        assert world.steps > 500
        assert min(world.counts[what] for what in ("granted", "refused", "settle", "late settle", "sweep")) > 0
