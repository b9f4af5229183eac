"""The typed graph: primitive ops, specs, text form, verifier, the oracle interpreter."""

from aisys_lab.ir import integer  # noqa: F401  (adds its rows to OPS)
from aisys_lab.ir.graph import Graph, Node, infer, tidy, verify
from aisys_lab.ir.interpret import Work, arguments, interpret, work
from aisys_lab.ir.ops import OPS, Op, Traced, bind
from aisys_lab.ir.spec import Spec, broadcast, dtype_of, parse_spec, short, spec_of
from aisys_lab.ir.text import parse

__all__ = ["OPS", "Graph", "Node", "Op", "Spec", "Traced", "Work", "arguments", "bind",
           "broadcast", "dtype_of", "infer", "interpret", "parse", "parse_spec", "short",
           "spec_of", "tidy", "verify", "work"]
