"""Where the time goes: the iron law for every layer, the slowest one, and Amdahl's ceiling."""

from dataclasses import dataclass
from textwrap import fill

from aisys_lab.chips.cards import HOST, card
from aisys_lab.core import slot
from aisys_lab.core.text import si, table
from aisys_lab.core.timing import bench
from aisys_lab.ir import OPS, arguments, bind, work
from aisys_lab.ir.graph import need_graph


@slot("chips.bottleneck")
def bottleneck(layers, machine):
    """Seconds and bound of each layer, the slowest layer, its share, and what removing it brings.

    ``layers``: dicts with ``name flops bytes``; ``machine``: a dict with ``peak`` in FLOP/s,
    ``bandwidth`` in B/s and ``overhead`` in seconds a layer. The time is that of the roofline
    (Williams, Waterman, Patterson 2009) plus overhead; the ceiling is Amdahl's (1967).
    """
    parts = [{"compute": row["flops"] / machine["peak"],
              "memory": row["bytes"] / machine["bandwidth"],
              "overhead": machine["overhead"]} for row in layers]
    seconds = [max(p["compute"], p["memory"]) + p["overhead"] for p in parts]
    worst = max(range(len(layers)), key=seconds.__getitem__)
    rest = sum(seconds) - seconds[worst]
    return {"seconds": seconds, "bound": [max(p, key=p.get) for p in parts],
            "worst": layers[worst]["name"], "share": seconds[worst] / sum(seconds),
            "ceiling": sum(seconds) / rest if rest > 0 else float("inf")}


@dataclass(frozen=True)
class BottleneckReport:
    """One page on one network and one machine: predicted, and measured where it was run."""

    title: str
    layers: tuple
    verdict: dict
    measured: tuple = ()  # seconds of each layer on this machine, if it was run here

    def __str__(self):
        total = sum(self.verdict["seconds"])
        head = ("layer", "FLOPs", "bytes", "bound", "predicted", "share")
        rows = [(row["name"], si(row["flops"]), si(row["bytes"], "B"), bound, si(t, "s"),
                 f"{t / total:.0%}")
                for row, bound, t in zip(self.layers, self.verdict["bound"],
                                         self.verdict["seconds"], strict=True)]
        if self.measured:
            head += ("measured", "ratio")
            rows = [(*row, si(m, "s"), f"{m / t:.1f}") for row, m, t in
                    zip(rows, self.measured, self.verdict["seconds"], strict=True)]
        return "\n".join([self.title, table(rows, head, "lrrl" + "r" * (len(head) - 4)),
                          *(fill(text, 76) for text in self._sentences(total))])

    __repr__ = __str__

    def _sentences(self, total):
        verdict = self.verdict
        yield (f"Predicted in all: {si(total, 's')}. The slowest layer is {verdict['worst']} with "
               f"{verdict['share']:.0%}; with it gone, everything would be at most "
               f"{verdict['ceiling']:.2f} times as fast.")
        if self.measured:
            yield (f"Measured in all: {si(sum(self.measured), 's')}, "
                   f"{sum(self.measured) / total:.1f} times the prediction.")


def bottleneck_report(graph, *args, chip=HOST):
    """The page for a graph on a chip; on this machine, with ``args``, each node is also timed.

    A node is timed as the interpreter runs it, a NumPy call, so that prediction and measurement
    speak of the same thing. Raises LabError if the card lacks a peak or a bandwidth.
    """
    chip, rows = card(chip), work(need_graph("bottleneck_report", graph))
    machine = {"peak": chip.peak(max((row.dtype for row in rows if row.kind == "matmul"),
                                     default="f32")),
               "bandwidth": chip.bandwidth, "overhead": chip.launch_overhead_s or 0.0}
    layers = tuple({"name": f"{row.name} {row.op}", "flops": row.flops, "bytes": row.bytes}
                   for row in rows)
    measured = tuple(_timed(graph, args)) if args and chip.id == HOST else ()
    return BottleneckReport(f"{graph.name} on {chip.name}", layers, bottleneck(layers, machine),
                            measured)


def _timed(graph, args):
    """Seconds of each node, run alone on the values that it has in a whole run."""
    leaves, dims = arguments(graph, args)
    graph = graph.at(**dims)
    values = dict(zip(graph.inputs, leaves, strict=True)) | graph.constants
    for node in graph.nodes:
        def run(node=node):
            return bind(node.op, *(values[name] for name in node.inputs), **node.attrs)
        out = run()
        values.update(zip(node.outs, out if OPS[node.op].multi else (out,), strict=True))
        yield bench(run, run).f
