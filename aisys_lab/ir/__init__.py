"""The typed graph: primitive ops, specs, text form, verifier, the oracle interpreter."""

from aisys_lab.ir import (  # noqa: F401  (they add rows to OPS)
    control,
    convolution,
    gather,
    integer,
    linalg,
    neural,
    pooling,
    random,
    scans,
    special,
)
from aisys_lab.ir.counts import COUNTS, Count, count_layer, count_values, out_shape, size_of
from aisys_lab.ir.execute import Run, execute
from aisys_lab.ir.executors import EXECUTORS, shuffled
from aisys_lab.ir.graph import Graph, Node, infer, tidy, verify
from aisys_lab.ir.interpret import Work, arguments, interpret, work
from aisys_lab.ir.layers import LAYERS, Layer, layer
from aisys_lab.ir.network import Counts, Network
from aisys_lab.ir.ops import OPS, Op, Traced, bind, explain
from aisys_lab.ir.rewrite import inline, prune, rename
from aisys_lab.ir.schedule import SCHEDULERS, Schedule, schedule, verify_schedule
from aisys_lab.ir.spec import Spec, broadcast, dtype_of, parse_spec, short, spec_of
from aisys_lab.ir.text import parse

__all__ = ["COUNTS", "EXECUTORS", "LAYERS", "OPS", "SCHEDULERS", "Count", "Counts", "Graph",
           "Layer", "Network", "Node", "Op", "Run", "Schedule", "Spec", "Traced", "Work",
           "arguments", "bind", "broadcast", "count_layer", "count_values", "dtype_of", "execute",
           "explain", "infer", "inline", "interpret", "layer", "out_shape", "parse", "parse_spec",
           "prune", "rename", "schedule", "short", "shuffled", "size_of", "spec_of", "tidy",
           "verify", "verify_schedule", "work"]
