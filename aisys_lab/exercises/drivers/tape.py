"""Drives a student's reverse mode: small programs as values, run by the real verbs on it."""

import gc
import weakref

import numpy as np

from aisys_lab.core import LabError, attempt
from aisys_lab.exercises.drivers import DRIVERS
from aisys_lab.grading.cell import CellError


@DRIVERS.row("tape")
def tape(names, name):
    """The answer is a class for ``MODES['reverse']``."""
    import aisys_lab as lab
    if not (isinstance(names[name], type) and issubclass(names[name], lab.autodiff.Mode)):
        raise CellError(f"{name} derives from lab.autodiff.Mode: write class "
                        f"{name}(lab.autodiff.Mode).")

    def answer(verb, *args):
        with attempt():
            lab.MODES["reverse"] = names[name]
            return VERBS[verb](lab, *args)
    return answer


def _program(lab, lines):
    """The function of its inputs that runs ``lines``: (op, operands, attrs, whether at rest)."""
    def f(*inputs):
        values = list(inputs)
        for op, operands, attrs, rests in lines:
            given = [values[x] if type(x) is int else x for x in operands]
            if rests:
                with lab.no_grad():
                    values.append(lab.ir.bind(op, *given, **attrs))
            else:
                values.append(lab.ir.bind(op, *given, **attrs))
        return values[-1]
    return f


def gradients(lab, lines, inputs, g):
    """The gradients by all inputs, given that of the last line."""
    return list(lab.vjp(_program(lab, lines), *inputs)[1](g))


def second(lab, lines, inputs, g, v):
    """The Hessian of the weighted last line times ``v``, by reverse over reverse."""
    f, anp = _program(lab, lines), lab.autodiff.numpy
    slope = lab.grad(lambda *xs: anp.sum(f(*xs) * g))
    return lab.grad(lambda *xs: anp.sum(slope(*xs) * v))(*inputs)


def nested(lab, x, v):
    """A derivative inside a derivative, which reads a tensor of the outer one."""
    anp = lab.autodiff.numpy
    return lab.grad(lambda x: anp.sum(v * lab.grad(lambda y: anp.sum(x * y * y))(x * x)))(x)


def again(lab, lines, inputs, g, h):
    """Gradients of one run, asked for twice."""
    _, pull = lab.vjp(_program(lab, lines), *inputs)
    return [*pull(g), *pull(h)]


def twice(lab, lines, inputs, g, h):
    """Gradients of a function that returns the same value in two places."""
    f = _program(lab, lines)

    def pair(*xs):
        out = f(*xs)
        return out, out
    return list(lab.vjp(pair, *inputs)[1]((g, h)))


def overwritten(lab, x):
    """Whether changing a used array in place is noticed, while the function runs and after it."""
    buffer, before = np.ones_like(x), x.copy()

    def f(x):
        out = x * buffer
        buffer[:] = 2.0
        return out

    _, pull = lab.vjp(lambda x: x * x, before)
    before[...] += 1.0
    return [_says(lambda: lab.vjp(f, x)), _says(lambda: pull(x)), bool(buffer.flags.writeable)]


def _says(work):
    try:
        work()
    except LabError:
        return True
    return False


def freed(lab, lines, inputs, g):
    """Whether what a tape saved is gone when the pull function is."""
    inputs = [x.copy() for x in inputs]
    watch = [weakref.ref(x) for x in inputs]
    lab.vjp(_program(lab, lines), *inputs)[1](g)
    del inputs
    gc.collect()
    return all(ref() is None for ref in watch)


VERBS = {verb.__name__: verb for verb in (
    gradients, again, second, nested, twice, overwritten, freed)}
