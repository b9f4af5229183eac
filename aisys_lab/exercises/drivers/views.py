"""Drives a student's view ops on strided arrays, and rules that should also work while tracing."""

import numpy as np

from aisys_lab.core import LabError, attempt
from aisys_lab.exercises.drivers import DRIVERS


@DRIVERS.row("views")
def views(names, name):
    """The answer is a class of functions; ``answer(array, ops)`` runs a chain of them.

    Each op is ``[name, *arguments]``; what comes back for each is a dict: the cells of the view's
    elements, what its storage holds, whether that is the storage that the op was given, and what
    the given one holds afterwards. A view that reaches outside its storage ends the chain.
    """
    def answer(array, ops):
        import aisys_lab as lab
        with attempt():
            lab.SLOTS["autodiff.tensor_views"] = names[name]
            view, seen = lab.Strided.of(array), []
            for op, *given in ops:
                before = view
                raised = False
                try:
                    out = getattr(names[name], op)(view, *given)
                    view = view if op == "fill" else out
                except LabError:
                    if op != "fill":
                        raise
                    raised = True
                seen.append({"raised": raised, "cells": view.cells(), "holds": view.storage.copy(),
                             "same": view.storage is before.storage,
                             "before": before.storage.copy()})
                if not _inside(seen[-1]):
                    break
            return seen
    return answer


def _inside(seen):
    """Whether all elements lie within the storage, so that it can go on."""
    cells = seen["cells"]
    return not cells.size or bool(cells.min() >= 0 and cells.max() < len(seen["holds"]))


@DRIVERS.row("traced")
def traced(names, name):
    """The answer is a function of arrays; it gives ``[plain result, result of its trace]``."""
    def answer(*args):
        import aisys_lab as lab
        graph = lab.trace(names[name], *args)
        return [np.asarray(names[name](*args)), np.asarray(lab.interpret(graph, *args)[0])]
    return answer
