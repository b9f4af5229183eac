"""The counted world: the package's kernels, run from their own text as Python that counts.

A module of kernels is rewritten and run in a space of its own, where imports bring other counted
modules, intrinsics that are run on numbers, and NumPy with counting arrays.
"""

import ast
import builtins
import importlib.util
import math
import operator
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace

from aisys_lab import core
from aisys_lab.kernels import _FACE
from aisys_lab.kernels.counting import fence
from aisys_lab.kernels.counting.arithmetic import Arithmetic
from aisys_lab.kernels.counting.generated import Generator
from aisys_lab.kernels.counting.models import MODELS, names_of
from aisys_lab.kernels.counting.numpys import Numpy, math_of
from aisys_lab.kernels.counting.rewrite import COMPARED, PREFIX, rewritten

HOME = "aisys_lab.kernels"
ANSWER = "<kernel>"


class World:
    """One run: its tally, its instruction set, and the modules that it has brought."""

    def __init__(self, tally, isa):
        self.tally, self.isa, self.arithmetic = tally, isa, Arithmetic(tally)
        self.modules = {}
        self.generate = Generator(tally, lambda: self.module(f"{HOME}.vector").Vector)
        self.others = {"numpy": Numpy(self), "aisys_lab.core": apart(core),
                       "math": SimpleNamespace(**vars(math) | math_of(self))} | outside(
            self.module(f"{HOME}.jit").part, self.generate)

    def module(self, name):
        """A counted module by its dotted name, or the run's own version of it."""
        if name not in self.modules:
            model = MODELS.get(name.removeprefix(f"{HOME}."))
            space = {} if model and model.whole else self.executed(code_of(name), name)
            space.update(names_of(model(self)) if model else {})
            self.modules[name] = SimpleNamespace(**space)
        return self.modules[name]

    def made(self, text):
        """The module of a text that a kernel has generated."""
        code = compile(rewritten(ast.parse(text)), "<generated>", "exec")
        return SimpleNamespace(**self.executed(code, "generated"))

    def executed(self, code, name):
        """The names that a module's code defines; its tables of constants are no part of a run."""
        space = self.counters() | {"__name__": name, "min": self.least, "max": self.most,
                                   "__builtins__": vars(builtins) | {"__import__": self.bring}}
        before = self.tally.counters()
        exec(code, space)
        self.tally.restore(before)
        return space

    def counters(self):
        """What the rewritten text calls."""
        counting = self.arithmetic
        named = {name: getattr(counting, name) for name in (
            "add", "subtract", "multiply", "divide", "product_plus", "plus_product",
            "product_minus", "minus_product", "compare", "tuple", "leave", "named")}
        named |= {name: getattr(operator, name) for name in COMPARED.values()}
        named |= {"step": self.tally.step, "locals": locals}
        return {f"{PREFIX}{name}": function for name, function in named.items()}

    def least(self, *values, **options):
        return self.arithmetic.other(partial(min, **options), *values)

    def most(self, *values, **options):
        return self.arithmetic.other(partial(max, **options), *values)

    def bring(self, name, space=None, local=None, wanted=(), level=0):
        """What ``import`` does in this world."""
        if name == HOME:
            return SimpleNamespace(**{one: self.offered(one) for one in wanted})
        if name.startswith(f"{HOME}."):
            return self.module(name)
        return self.others.get(name) or builtins.__import__(name, space, local, wanted, level)

    def offered(self, name):
        """What the package of kernels has under a name: a verb of its face, or a module."""
        if name in _FACE:
            return getattr(self.module(f"{HOME}.{_FACE[name]}"), name)
        return self.module(f"{HOME}.{name}")

    def answer(self, text, name, pieces=()):
        """A function of a student's text, which the fence has let in."""
        tree = fence.checked(text, name, pieces)
        known = vars(self.module(f"{HOME}.vector")) if pieces else {}
        space = self.counters() | fence.BUILTINS | {
            "__builtins__": {}, "np": self.others["numpy"],
            "min": fence.of_numbers("min", self.least), "max": fence.of_numbers("max", self.most),
            "math": SimpleNamespace(**math_of(self)), **{piece: known[piece] for piece in pieces}}
        exec(compile(rewritten(tree), ANSWER, "exec"), space)
        return space[name]


def apart(core):
    """The package's core, where tables and slots of this world are no tables and slots of all."""
    def unlisted(*args, **options):
        before = dict(core.TABLES)
        table = core.Table(*args, **options)
        core.TABLES.clear()
        core.TABLES.update(before)
        return table

    return SimpleNamespace(**vars(core) | {"Table": unlisted, "slot": lambda key: lambda f: f})


def outside(decorate, generate):
    """Modules of Numba's as this world has them: what it would keep of vectors, nobody does."""
    from numba import extending
    from numba.core.typing import templates

    def unkept(*args):
        return lambda made: made

    return {
        "numba": SimpleNamespace(njit=decorate, prange=range, get_num_threads=lambda: 1),
        "numba.extending": SimpleNamespace(
            **vars(extending) | {"intrinsic": generate, "register_model": unkept}),
        "numba.core.imputils": SimpleNamespace(lower_builtin=unkept),
        "numba.core.typing.templates": SimpleNamespace(
            **vars(templates) | {"infer_global": unkept})}


@cache
def code_of(name):
    """The counted code of a module."""
    path = importlib.util.find_spec(name).origin
    return compile(rewritten(ast.parse(Path(path).read_text(encoding="utf-8"))), path, "exec")
