"""Drives a schedule: the machine's actions come as callables, the answer gets an object."""

from types import SimpleNamespace

from aisys_lab.exercises.drivers import DRIVERS

ACTIONS = ("run", "back", "save", "load", "free", "rng")


@DRIVERS.row("machine")
def machine(names, name):
    """The answer is a function of (machine, steps, slots)."""
    def answer(*given):
        actions, sizes = given[:len(ACTIONS)], given[len(ACTIONS):]
        return names[name](SimpleNamespace(**dict(zip(ACTIONS, actions, strict=True))), *sizes)
    return answer
