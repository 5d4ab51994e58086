"""`__all__` is exactly the public surface, without builtins' names; every name means what the module says."""

import builtins
import types

import pytest

import engine
import engine.testing
import nn


def public(module):
    """What a user sees without underscores, apart from submodules."""
    return {
        name
        for name, thing in vars(module).items()
        if not name.startswith("_") and not isinstance(thing, types.ModuleType)
    }


@pytest.mark.parametrize("module", [engine, engine.testing, nn], ids=lambda module: module.__name__)
def test_all_is_exactly_the_public_surface(module):
    modules = {name for name in module.__all__ if isinstance(getattr(module, name), types.ModuleType)}
    dunders = {name for name in module.__all__ if name.startswith("__")}
    assert set(module.__all__) - modules - dunders == public(module) - {"annotations"} - set(dir(builtins))


@pytest.mark.parametrize("module", [engine, engine.testing, nn], ids=lambda module: module.__name__)
def test_no_name_is_exported_twice(module):
    assert len(set(module.__all__)) == len(module.__all__)


def test_a_star_import_leaves_the_builtins_alone():
    scope = {}
    exec("from engine import *", scope)
    assert not set(scope) & set(dir(builtins)) - {"__builtins__"}
    assert {"abs", "max", "min", "pow", "round", "sum"} < set(dir(engine))
