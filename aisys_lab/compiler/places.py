"""Lowering of ops that go by place: gather and its transpose, scans, the first largest element."""

from aisys_lab.compiler.loops import WRITERS, allocate, element, identifier, nest, type_name


def _index(parts):
    return f"[{', '.join(parts) or '()'}]"


def _at_places(node, graph, names, rank, size):
    """``(checks, index)``: the element that arrays of places name under the loops, and lines that
    stop where a place lies outside."""
    spots = [element(name, graph, rank) for name in names]
    checks = []
    for spot, n in zip(spots, size, strict=False):
        checks += [f"if not -{n} <= {spot} < {n}:",
                   f'    raise IndexError("{node.op}: a place is not on its axis of {n}")']
    return checks, [f"np.int64({spot})" for spot in spots]


def write_gather(node, graph):
    """One loop nest over the result, which reads the source at the places."""
    source, *names = node.inputs
    size, spec = graph.specs[source].shape, graph.specs[node.outs[0]]
    lead = spec.ndim - (len(size) - len(names))
    checks, spots = _at_places(node, graph, names, lead, size)
    inner = [f"i{k}" for k in range(lead, spec.ndim)]
    out = _index([f"i{k}" for k in range(spec.ndim)])
    copy = f"{identifier(node.outs[0])}{out} = {identifier(source)}{_index([*spots, *inner])}"
    return [allocate(node.outs[0], graph),
            *nest(spec.shape[:lead], [*checks, *nest(spec.shape[lead:], [copy], start=lead)])]


def write_scatter_add(node, graph):
    """One loop nest over what is added; what meets in one place is summed."""
    source, *names = node.inputs
    size, out = node.attrs["shape"], identifier(node.outs[0])
    ranks = max(graph.specs[name].ndim for name in names)
    lead = [1] * ranks
    for name in names:
        shape = graph.specs[name].shape
        lead = [*lead[:ranks - len(shape)],
                *(max(a, b) if a and b else 0 for a, b in zip(lead[ranks - len(shape):], shape,
                                                             strict=True))]
    rest = size[len(names):]
    checks, spots = _at_places(node, graph, names, ranks, size)
    there = _index([*spots, *(f"i{k + ranks}" for k in range(len(rest)))])
    add = f"{out}{there} += {element(source, graph, ranks + len(rest))}"
    return [allocate(node.outs[0], graph), f"{out}[...] = 0",
            *nest(lead, [*checks, *nest(rest, [add], start=ranks)])]


def write_scan(node, graph):
    """Each element from the one before it along the axis."""
    (source,), axis = node.inputs, node.attrs["axis"]
    spec, out = graph.specs[node.outs[0]], identifier(node.outs[0])
    back = node.attrs.get("reverse", False)
    here = [f"i{k}" for k in range(spec.ndim)]
    here[axis] = f"({spec.shape[axis] - 1} - i{axis})" if back else here[axis]
    before = [f"{i} {'+' if back else '-'} 1" if k == axis else i for k, i in enumerate(here)]
    sign, first = ("*", 1) if node.op == "cumprod" else ("+", 0)
    x = f"{type_name(spec.dtype)}({identifier(source)}{_index(here)})"
    line = f"{out}{_index(here)} = (({out}{_index(before)}) if i{axis} else {first}) {sign} {x}"
    return [allocate(node.outs[0], graph), *nest(spec.shape, [line])]


def write_place(node, graph):
    """The first place of the largest (smallest) element; a NaN wins, as in NumPy."""
    (source,), axis = node.inputs, node.attrs["axis"]
    spec, out, x = graph.specs[source], identifier(node.outs[0]), identifier(source)
    here = [f"i{k}" for k in range(spec.ndim)]
    cell = out + _index([i for k, i in enumerate(here) if k != axis])
    new = x + _index(here)
    best = x + _index([cell if k == axis else i for k, i in enumerate(here)])
    sign = ">" if node.op == "argmax" else "<"
    test = f"if {new} {sign} {best} or {new} != {new} and {best} == {best}:"
    return [allocate(node.outs[0], graph), f"{out}[...] = 0",
            *nest(spec.shape, [test, f"    {cell} = i{axis}"])]


def write_size(node, graph):
    """A number that is known as soon as axes are."""
    size = 1
    for axis in node.attrs["axis"]:
        size *= graph.specs[node.inputs[0]].shape[axis]
    dtype = type_name(graph.specs[node.outs[0]].dtype)
    return [f"{identifier(node.outs[0])} = np.full((), {dtype}({size}))"]


WRITERS |= {"gather": write_gather, "scatter_add": write_scatter_add, "cumsum": write_scan,
            "cumprod": write_scan, "argmax": write_place, "argmin": write_place,
            "size": write_size}
