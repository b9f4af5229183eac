"""The text form of a graph, and its parser: ``parse(str(graph))`` is the same graph."""

import ast
import json
import re

import numpy as np

from aisys_lab.core import LabError
from aisys_lab.ir.graph import Graph, Node, verify
from aisys_lab.ir.spec import parse_spec, short

INLINE = 8  # a constant of more elements travels beside the text, unless it stands in a body


def show_graph(graph, indent=""):
    """Aligned lines: inputs, constants, nodes in order, outputs."""
    rows = [(f"input {name}", graph.specs[name], "") for name in graph.inputs]
    rows += [(f"const {name}", graph.specs[name], f"= {_constant(name, array, indent)}")
             for name, array in graph.constants.items()]
    for node in graph.nodes:
        specs = ", ".join(str(graph.specs[name]) for name in node.outs)
        rows.append((", ".join(node.outs), specs, f"= {_call(node, indent + '      ')}"))
    left = max((len(row[0]) for row in rows), default=0)
    middle = max((len(str(row[1])) for row in rows), default=0)
    lines = [f"{indent}  {name:{left}} : {spec!s:{middle}} {rest}".rstrip()
             for name, spec, rest in rows]
    return "\n".join([f"{indent}graph {graph.name}", *lines,
                      f"{indent}  output {', '.join(graph.outputs)}"])


def _constant(name, array, inside):
    return json.dumps(array.tolist()) if inside or array.size <= INLINE else f"@{name}"


def _call(node, indent):
    plain = {k: v for k, v in node.attrs.items() if not isinstance(v, Graph)}
    bodies = {k: v for k, v in node.attrs.items() if isinstance(v, Graph)}
    parts = [*node.inputs, *(f"{key}={_attr(value)}" for key, value in plain.items())]
    call = f"{node.op}({', '.join(parts)})"
    call += f" after {', '.join(node.after)}" if node.after else ""
    return "\n".join([call + (" where" if bodies else ""),
                      *(_body(key, body, indent, bodies) for key, body in bodies.items())])


def _body(key, body, indent, bodies):
    """A body graph; its first line says which one it is, unless the op has only ``body``."""
    text = show_graph(body, indent)
    return text if list(bodies) == ["body"] else f"{indent}{key} {text[len(indent):]}"


def _attr(value):
    if isinstance(value, np.dtype | type):
        return repr(short(value))
    return repr(_plain(value))


def _plain(value):
    """NumPy's numbers as Python's, also inside tuples."""
    if isinstance(value, tuple | list):
        return tuple(map(_plain, value))
    return value.item() if isinstance(value, np.generic) else value


# ---- parser

LINE = re.compile(r"(?P<outs>[\w., ]+?)\s*:\s*(?P<specs>\w+\[[\w,]*\](?:, \w+\[[\w,]*\])*)"
                  r"\s*(?:= (?P<rest>.*))?")
CALL = re.compile(r"(?P<op>\w+)\((?P<args>.*)\)(?: after (?P<after>[\w., ]+?))?"
                  r"(?P<where> where)?")
BODY = re.compile(r"(?:(?P<key>\w+) )?(?P<graph>graph \S.*)")


def parse(text, constants=None):
    """A graph of its text form; ``constants`` gives the large arrays by name.

    Raises LabError with the number of the first line that does not read, and for a graph that
    does not verify.
    """
    if not isinstance(text, str):
        raise LabError(f"parse takes the text of a graph, got a {type(text).__name__}.")
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    graph, rest = _graph(lines, constants or {})
    if rest:
        raise _fault(rest[0], "stands after the end of the graph")
    return verify(graph)


def _fault(line, what):
    number, text = line
    return LabError(f"line {number} of the graph {what}: {text.strip()!r}.")


def _graph(lines, given):
    if not lines or not lines[0][1].strip().startswith("graph "):
        raise _fault(lines[0] if lines else (1, ""), "should read 'graph NAME'")
    name = lines[0][1].split(maxsplit=1)[1].strip()
    inputs, nodes, specs, constants = [], [], {}, {}
    lines = lines[1:]
    while lines:
        line, lines = lines[0], lines[1:]
        text = line[1].strip()
        if re.fullmatch(r"output( [\w., ]+)?", text):
            outputs = _names(text[6:])
            return Graph(name, tuple(inputs), outputs, tuple(nodes), specs, constants), lines
        match = LINE.fullmatch(text)
        if not match:
            raise _fault(line, "does not read")
        kind, _, key = match["outs"].rpartition(" ")
        if kind in ("input", "const"):
            specs[key] = parse_spec(match["specs"])
        if kind == "input":
            inputs.append(key)
        elif kind == "const":
            constants[key] = _read_constant(line, match["rest"], specs[key], given)
        else:
            node, lines = _node(line, match, lines, given)
            nodes.append(node)
            made = re.findall(r"\w+\[[\w,]*\]", match["specs"])
            if len(made) != len(node.outs):
                raise _fault(line, "should have one spec a name")
            specs.update(zip(node.outs, map(parse_spec, made), strict=True))
    raise LabError(f"graph {name} has no line 'output …'.")


def _read_constant(line, rest, spec, given):
    if not rest:
        raise _fault(line, "is a constant without a value")
    if rest.startswith("@"):
        if rest[1:] not in given:
            raise _fault(line, f"needs constants={{{rest[1:]!r}: array}}")
        return np.asarray(given[rest[1:]], spec.dtype)
    try:
        array = np.array(json.loads(rest), spec.dtype)
        return array.reshape(spec.shape) if array.size == spec.size == 0 else array
    except (ValueError, TypeError, OverflowError):
        raise _fault(line, "has a constant that does not read") from None


def _node(line, match, lines, given):
    call = CALL.fullmatch(match["rest"] or "")
    if not call:
        raise _fault(line, "is no call")
    inputs, attrs = _arguments(line, call["args"])
    if call["where"]:
        lines = _bodies(line, lines, attrs, given)
    return Node(_names(match["outs"]), call["op"], inputs, attrs, _names(call["after"])), lines


def _bodies(line, lines, attrs, given):
    """Reads the graphs below a node into its attributes; returns the lines after them."""
    found = False
    while lines and (head := BODY.fullmatch(lines[0][1].strip())):
        first = (lines[0][0], head["graph"])
        attrs[head["key"] or "body"], lines = _graph([first, *lines[1:]], given)
        found = True
    if not found:
        raise _fault(lines[0] if lines else line, "should read 'graph NAME'")
    return lines


def _names(text):
    """Names between commas."""
    return tuple(filter(None, re.split(r",\s*", (text or "").strip())))


def _arguments(line, text):
    inputs, _, attrs = re.fullmatch(r"((?:[\w.]+(?:, |$))*)((.*))", text).groups()
    names = _names(inputs)
    if not attrs:
        return names, {}
    try:
        call = ast.parse(f"f({attrs})", mode="eval").body
        if call.args or any(k.arg is None for k in call.keywords):
            raise ValueError(attrs)
        return names, {k.arg: ast.literal_eval(k.value) for k in call.keywords}
    except (SyntaxError, ValueError, AttributeError, TypeError):
        raise _fault(line, "has attributes that do not read") from None
