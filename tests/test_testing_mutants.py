"""Negative controls: the checker rejects every wrong rule, and no right one."""

import mutants
import pytest

from engine.primitive import TABLE

RULES = list(mutants.rules())


def test_every_mutant_that_is_not_equivalent_is_killed_and_no_rule_is_rejected():
    found = mutants.score(mutants.SEEDS[0], RULES)
    assert found.survivors == []
    assert found.false_alarms == []
    assert found.total.total() > 5 * len(RULES)


def test_what_is_called_equivalent_is_a_mutant_of_a_row():
    for name, kind, argument in mutants.EQUIVALENT:
        assert mutants.Mutant(TABLE[name], kind, argument) in list(mutants.mutants(TABLE[name]))


def test_no_tolerance_of_pytorch_sees_a_relative_error_of_a_tenth_of_a_millionth():
    assert mutants.torchs(lambda x: x * x, (0.5,), gradient=lambda x: [1.0000001])
    assert not mutants.ours(lambda x: x * x, (0.5,), gradient=lambda x: [1.0000001])


@pytest.mark.parametrize("kind", mutants.KINDS)
def test_every_kind_of_mutant_makes_the_rule_wrong(kind):
    made = [m for row in RULES for m in mutants.mutants(row) if m.kind == kind]
    assert len(made) > 50
