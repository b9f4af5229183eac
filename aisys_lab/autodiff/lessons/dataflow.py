"""Control flow without control: branches and loops as cells that pass tokens on.

The primitives of TensorFlow's first graphs (Yu et al. 2018, "Dynamic control flow in large-scale
machine learning"): switch sends a token one of two ways, merge takes whichever comes, enter,
next_iteration and exit lead into a loop, round it and out of it. A cell fires as soon as it has a
token of one trip at every input, so trips overlap where the data allow it.
"""

from dataclasses import dataclass, field, replace

from aisys_lab.core import LabError
from aisys_lab.core.text import table
from aisys_lab.ir import OPS, Graph, bind, inline


@dataclass(frozen=True)
class Cell:
    """An op or a primitive: ``outs = kind(inputs)``."""

    outs: tuple
    kind: str
    inputs: tuple
    attrs: dict = field(default_factory=dict)

    def __str__(self):
        return f"{', '.join(self.outs)} = {self.kind}({', '.join(self.inputs)})"


@dataclass(frozen=True)
class Dataflow:
    """Cells and constants. Values in ``lasting`` stay when they are taken: every trip reads them.

    Loops do not nest: this machine has one frame. (The real one has a frame a loop, and a token
    says which it belongs to.)
    """

    name: str
    inputs: tuple
    outputs: tuple
    cells: tuple
    constants: dict
    lasting: frozenset
    is_leaf = True

    def __str__(self):
        rows = [(f"  {', '.join(cell.outs)}", f"= {cell.kind}({', '.join(cell.inputs)})")
                for cell in self.cells]
        return "\n".join([f"dataflow {self.name}({', '.join(self.inputs)})", table(rows),
                          f"  output {', '.join(self.outputs)}"])

    __repr__ = __str__


@dataclass(frozen=True)
class Token:
    """A value on its way, and the trip round the loop that it belongs to."""

    value: object
    trip: int = 0

    def __str__(self):
        return f"{self.value} (trip {self.trip})"


@dataclass(frozen=True)
class State:
    """The tokens between two steps: those that wait at each input of each cell, first come first;
    what has come out; and the names of the values that were sent last."""

    step: int
    waiting: dict  # (number of the cell, number of the input) -> tokens
    results: dict
    fired: tuple
    made: frozenset  # numbers of the cells that have fired before
    flow: Dataflow
    is_leaf = True

    def __str__(self):
        cells = self.flow.cells
        rows = [(f"  {cells[i].inputs[k]} -> {cells[i].outs[0]}", ", ".join(map(str, tokens)))
                for (i, k), tokens in sorted(self.waiting.items())
                if tokens and cells[i].inputs[k] not in self.flow.lasting]
        rows += [(f"  output {name}", str(token)) for name, token in self.results.items()]
        return "\n".join(filter(None, [f"step {self.step}: fired {', '.join(self.fired) or 'none'}",
                                       table(rows)]))

    __repr__ = __str__


# ---- what each kind does with its tokens: {out: token} for the outs that get one

def _switch(cell, value, way):
    taken = cell.outs[0 if way.value else 1]
    return {taken: Token(value.value, max(value.trip, way.trip))}


def _same(cell, token):
    return dict.fromkeys(cell.outs, token)


FIRES = {
    "switch": _switch, "merge": _same, "loop_cond": _same,
    "enter": lambda cell, token: {cell.outs[0]: Token(token.value, 0)},
    "next_iteration": lambda cell, token: {cell.outs[0]: Token(token.value, token.trip + 1)},
    "exit": lambda cell, token: {cell.outs[0]: Token(token.value, 0)},
}


def fire(cell, tokens):
    """What a cell sends out for the tokens that it takes in."""
    if cell.kind in FIRES:
        return FIRES[cell.kind](cell, *tokens)
    out = bind(cell.kind, *(token.value for token in tokens), **cell.attrs)
    outs = out if OPS[cell.kind].multi else (out,)
    trip = max(token.trip for token in tokens)
    return {name: Token(value, trip) for name, value in zip(cell.outs, outs, strict=True)}


def ready(state, i):
    """``{input: token}`` that cell ``i`` takes now: tokens of one trip; None if it has to wait."""
    flow, cell = state.flow, state.flow.cells[i]
    there = {k: state.waiting.get((i, k), ()) for k in range(len(cell.inputs))}
    if cell.kind == "merge":
        return next(({k: tokens[0]} for k, tokens in there.items() if tokens), None)
    lasting = [k for k, name in enumerate(cell.inputs) if name in flow.lasting]
    if len(lasting) == len(there):
        once = i not in state.made and all(there.values())
        return {k: tokens[0] for k, tokens in there.items()} if once else None
    trips = [{token.trip for token in tokens} for k, tokens in there.items() if k not in lasting]
    common = set.intersection(*trips)
    if not common or not all(there.values()):
        return None
    return {k: tokens[0] if k in lasting else next(t for t in tokens if t.trip == min(common))
            for k, tokens in there.items()}


def start(flow, *args):
    """The state before the first step: a token for every argument and every constant."""
    if len(args) != len(flow.inputs):
        raise LabError(f"{flow.name} takes {len(flow.inputs)} values ({', '.join(flow.inputs)}), "
                       f"got {len(args)}.")
    given = dict(zip(flow.inputs, args, strict=True)) | flow.constants
    return send(State(0, {}, {}, (), frozenset(), flow),
                {name: Token(x) for name, x in given.items()})


def send(state, tokens):
    """The state with tokens put before every cell that reads them."""
    waiting, results = dict(state.waiting), dict(state.results)
    for i, cell in enumerate(state.flow.cells):
        for k, name in enumerate(cell.inputs):
            if name in tokens:
                waiting[i, k] = (*waiting.get((i, k), ()), tokens[name])
    results |= {name: token for name, token in tokens.items() if name in state.flow.outputs}
    return replace(state, waiting=waiting, results=results)


def step(state):
    """Fires every cell that is ready, once; all at the same time."""
    flow, waiting, sent = state.flow, dict(state.waiting), {}
    taking = {i: ready(state, i) for i in range(len(flow.cells))}
    fired = [i for i, taken in taking.items() if taken]
    for i in fired:
        sent |= fire(flow.cells[i], list(taking[i].values()))
        for k, token in taking[i].items():
            if flow.cells[i].inputs[k] not in flow.lasting:
                waiting[i, k] = tuple(t for t in waiting[i, k] if t is not token)
    return send(replace(state, step=state.step + 1, waiting=waiting, fired=tuple(sent),
                        made=state.made.union(fired)), sent)


def history(flow, *args, most=1000):
    """All states of a run, until no cell can fire."""
    states = [start(flow, *args)]
    while len(states) <= most:
        after = step(states[-1])
        if not after.fired:
            return states
        states.append(after)
    raise LabError(f"{flow.name} still runs after {most} steps; does its loop end?")


# ---- graphs with branches and loops as cells

class Maker:
    """Cells in the making."""

    def __init__(self, inputs):
        self.inputs, self.cells, self.constants, self.lasting = inputs, [], {}, set()

    def cell(self, kind, inputs, *outs, attrs=None):
        """A further cell; what reads lasting values alone makes a lasting one."""
        outs = tuple(map(self.fresh, outs))
        self.cells.append(Cell(outs, kind, tuple(inputs), attrs or {}))
        if self.lasting.issuperset(inputs) and kind not in FIRES:
            self.lasting.update(outs)
        return outs

    def fresh(self, name):
        known = {*self.inputs, *self.constants, *(o for cell in self.cells for o in cell.outs)}
        while name in known:
            name += "_"
        return name

    def body(self, graph, inputs, part=""):
        """The cells of a graph, given the names of its inputs; the names of its outputs."""
        names = dict(zip(graph.inputs, inputs, strict=True))
        for name, array in graph.constants.items():
            names[name] = self.fresh(part + name)
            self.constants[names[name]] = array
            self.lasting.add(names[name])
        for node in inline(graph).nodes:
            reads = [names[name] for name in node.inputs]
            build, outs = BUILD.get(node.op), [part + name for name in node.outs]
            outs = build(self, node, reads, outs) if build else self.cell(
                node.op, reads, *outs, attrs=node.attrs)
            names.update(zip(node.outs, outs, strict=True))
        return [names[name] for name in graph.outputs]

    def moving(self, name, way, k=0):
        """The name, or where it lasts a token of it for every token of ``way``."""
        if name not in self.lasting:
            return name
        return self.cell("switch", (name, way), f"{name}_true", f"{name}_false")[k]


def build_cond(maker, node, reads, outs):
    """Switches before the branches, merges behind them."""
    way, *operands = reads
    pairs = [maker.cell("switch", (name, way), f"{name}_true", f"{name}_false")
             for name in operands]
    ends = []
    for k, branch in enumerate(("then", "otherwise")):
        made = maker.body(node.attrs[branch], [pair[k] for pair in pairs], f"{branch}.")
        ends.append([maker.moving(name, way, k) for name in made])
    return [maker.cell("merge", pair, name)[0] for *pair, name in zip(*ends, outs, strict=True)]


def build_loop(maker, node, reads, outs):
    """Into the frame, round the loop while the test holds, and out again."""
    test, body, n = node.attrs["test"], node.attrs["body"], node.attrs.get("captured", 0)
    outer = [maker.cell("enter", (name,), f"{name}_in")[0] for name in reads[:n]]
    maker.lasting.update(outer)
    labels = body.inputs[n:]
    merges = [maker.cell("merge", (maker.cell("enter", (name,), f"{label}_in")[0],
                                   f"{label}_next"), label)[0]
              for name, label in zip(reads[n:], labels, strict=True)]
    way, = maker.cell("loop_cond", maker.body(test, [*outer, *merges], "test."), "go")
    pairs = [maker.cell("switch", (name, way), f"{name}_true", f"{name}_false")
             for name in merges]
    ends = maker.body(body, [*outer, *(yes for yes, _ in pairs)], "body.")
    for end, label in zip(ends, labels, strict=True):
        maker.cell("next_iteration", (maker.moving(end, way),), f"{label}_next")
    return [maker.cell("exit", (no,), name)[0]
            for (_, no), name in zip(pairs, outs, strict=True)]


BUILD = {"cond": build_cond, "while_loop": build_loop}


def primitives(graph) -> Dataflow:
    """The cells of a graph of ops, ``cond`` and at most one ``while_loop``."""
    if not isinstance(graph, Graph):
        raise LabError(f"primitives takes a graph, as trace(f, *args) gives one, got a "
                       f"{type(graph).__name__}.")
    maker = Maker(graph.inputs)
    outputs = maker.body(graph, graph.inputs)
    loops = sum(cell.kind == "loop_cond" for cell in maker.cells)
    if loops > 1:
        raise LabError(f"{graph.name} has {loops} loops; this machine has one frame, so one loop.")
    return Dataflow(graph.name, graph.inputs, tuple(outputs), tuple(maker.cells),
                    maker.constants, frozenset(maker.lasting))
