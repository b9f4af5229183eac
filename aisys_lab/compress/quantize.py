"""Quantisation after training: the matrix products of a graph in integers, scales explicit."""

import numpy as np

from aisys_lab.core import LabError, Table
from aisys_lab.ir import Graph, Node, infer, interpret, spec_of, verify
from aisys_lab.ir.integer import levels
from aisys_lab.models import freeze

OBSERVERS = Table("OBSERVERS", "values of an activation -> (low, high), the range to cover",
                  noun="observer")
DEEPEST = (2**31 - 1) // (255 * 127)  # products of u8 and i8 that an i32 can always sum
TINY = float(np.finfo(np.float32).tiny)  # a smaller step is none; what needs it is all zeros


@OBSERVERS.row("minmax")
def minmax(values):
    """The extremes that were seen: nothing is clipped, one outlier widens every step."""
    return values.min(), values.max()


def quantize(model, samples, bits=8, observer="minmax") -> Graph:
    """A graph whose float matmuls with constant weights run in integers.

    Static, after training: weights are symmetric, one scale a column; activations affine, one
    scale a tensor, from the range that ``observer`` finds on ``samples``. Products are summed in
    i32. Fewer than 8 bits use fewer levels but are still stored in one byte each. ``samples`` is
    an array, or a tuple of them for a graph of several inputs.
    """
    graph = freeze(model)
    if type(bits) is not int and not isinstance(bits, np.integer) or bits not in range(2, 9):
        raise LabError(f"quantize: bits={bits!r}; it takes a whole number from 2 to 8.")
    chosen = {node.outs[0]: node for node in graph.nodes if quantizable(graph, node)}
    if not chosen:
        raise LabError(f"quantize: {graph.name} has no float matmul with constant weights on its "
                       f"right; lab.freeze(graph, params) makes parameters constants.")
    sources = tuple(dict.fromkeys(node.inputs[0] for node in chosen.values()))
    ranges = _calibrate(graph, sources, samples, int(bits), OBSERVERS[observer])
    return _rewrite(graph, chosen, ranges)


def quantizable(graph, node):
    """Whether a node is a float matmul whose right side is a constant matrix."""
    if node.op != "matmul" or node.inputs[0] in graph.constants:
        return False
    right = graph.specs[node.inputs[1]]
    if node.inputs[1] not in graph.constants or right.ndim != 2 or right.dtype.kind != "f":
        return False
    if right.shape[0] > DEEPEST:
        raise LabError(f"quantize: {node.outs[0]} sums {right.shape[0]} products of 8 bits; more "
                       f"than {DEEPEST} can overflow 32 bits.")
    return graph.specs[node.inputs[0]].dtype == right.dtype


# ---- ranges to scales

def affine(low, high, bits=8):
    """``(scale, zero)`` of unsigned integers that cover low … high, with 0.0 exact."""
    low, high = min(float(low), 0.0), max(float(high), 0.0)
    top = levels(np.uint8, bits)[1]
    scale = (high - low) / top
    scale = scale if scale >= TINY else 1.0
    return scale, int(np.clip(round(-low / scale), 0, top))


def symmetric(weights, bits=8):
    """``(integers i8, scale of each column)``: 0.0 is 0, the largest entry ±(2**(bits-1) - 1)."""
    top = levels(np.int8, bits)[1]
    largest = np.abs(weights).max(axis=0)
    scale = np.where(largest / top >= TINY, largest / top, 1).astype(weights.dtype)
    return np.clip(np.rint(weights / scale), -top, top).astype(np.int8), scale


def _calibrate(graph, names, samples, bits, observe):
    """Name -> (scale, zero) of each activation, from one run over the samples."""
    if hasattr(samples, "x"):
        raise LabError("quantize: samples are arrays; of a data set take its x.")
    args = samples if isinstance(samples, tuple) else (samples,)
    found = {}
    for name, values in zip(names, interpret(graph.but(outputs=names), *args), strict=True):
        if values.size == 0 or not np.isfinite(values).all():
            raise LabError(f"quantize: the samples give {name} as {spec_of(values)} with "
                           f"{'no' if values.size == 0 else 'infinite or undefined'} values; "
                           f"calibrate on real inputs.")
        found[name] = (*affine(*observe(values), bits), bits)
    return found


# ---- the graph

def _rewrite(graph, chosen, ranges):
    """Each chosen matmul becomes quantize_linear, matmul_int, dequantize_linear."""
    nodes, constants, made = [], dict(graph.constants), set()
    for old in graph.nodes:
        new, arrays = ([old], {}) if old.outs[0] not in chosen else _integer_matmul(
            graph, old, *ranges[old.inputs[0]])
        nodes += [node for node in new if node.outs[0] not in made]  # read twice, quantised once
        made.update(node.outs[0] for node in new)
        constants |= arrays
    specs = graph.specs | {name: spec_of(array) for name, array in constants.items()}
    for node in nodes:
        specs.update(zip(node.outs, infer(node, specs), strict=True))
    return verify(graph.but(nodes=tuple(nodes), specs=specs, constants=constants))


def _integer_matmul(graph, old, scale, zero, bits):
    """``(nodes, constants)`` of one layer; the last node has the name of the matmul."""
    (x, w), (out,) = old.inputs, old.outs
    floats = graph.specs[x].dtype
    weights, columns = symmetric(graph.constants[w], bits)
    xq, x_scale, x_zero, wq, outq, out_scale, out_zero = (_fresh(graph, name) for name in (
        f"{x}.q", f"{x}.scale", f"{x}.zero", f"{w}.q", f"{out}.q", f"{out}.scale", f"{out}.zero"))
    scale = np.array(scale, floats)
    arrays = {x_scale: scale, x_zero: np.array(zero, np.uint8), wq: weights,
              out_scale: scale * columns, out_zero: np.array(0, np.int32)}
    return [Node((xq,), "quantize_linear", (x, x_scale, x_zero), {"bits": bits}),
            Node((outq,), "matmul_int", (xq, wq, x_zero)),
            Node((out,), "dequantize_linear", (outq, out_scale, out_zero))], arrays


def _fresh(graph, name):
    while name in graph.specs:
        name += "_"
    return name
