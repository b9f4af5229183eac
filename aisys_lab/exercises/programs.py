"""Random straight-line programs on small arrays, with derivatives by central differences."""

import numpy as np

# op -> (attrs, what the judge computes, where it is smooth and tame)
ONE = {
    "neg": ({}, np.negative, None), "exp": ({}, np.exp, lambda x: x.max() < 2),
    "log": ({}, np.log, lambda x: x.min() > 0.3), "sqrt": ({}, np.sqrt, lambda x: x.min() > 0.3),
    "tanh": ({}, np.tanh, None), "sin": ({}, np.sin, None), "cos": ({}, np.cos, None),
    "abs": ({}, np.abs, lambda x: np.abs(x).min() > 0.1),
    "sum": ({"axis": (0,), "keepdims": True}, lambda x: x.sum(0, keepdims=True), None),
    "max": ({"axis": (1,), "keepdims": True}, lambda x: x.max(1, keepdims=True),
            lambda x: np.diff(np.sort(x, 1), axis=1).min(initial=9) > 0.1),
    "transpose": ({"axes": (1, 0)}, np.transpose, None),
    "slice": ({"start": (0, 0), "stop": (1, 2), "step": (1, 1)}, lambda x: x[0:1, 0:2],
              lambda x: x.shape[1] > 1),
    "reshape": ({"shape": (3, 2)}, lambda x: x.reshape(3, 2), lambda x: x.size == 6),
    "broadcast_to": ({"shape": (2, 3)}, lambda x: np.broadcast_to(x, (2, 3)),
                     lambda x: x.shape in [(1, 3), (2, 1), (1, 1)]),
}
TWO = {
    "add": (np.add, None), "sub": (np.subtract, None), "mul": (np.multiply, None),
    "div": (np.divide, lambda x, y: np.abs(y).min() > 0.4),
    "pow": (np.power, lambda x, y: x.min() > 0.3 and np.abs(y).max() < 3),
    "maximum": (np.maximum, lambda x, y: np.abs(x - y).min() > 0.1),
    "minimum": (np.minimum, lambda x, y: np.abs(x - y).min() > 0.1),
    "matmul": (np.matmul, None),
}


def draw(rng, length, resting=0.0):
    """``(lines, inputs)``: a program in which every value is used and stays of order one.

    A line is (op, operands, attrs, rests): operands are positions of values, inputs first.
    """
    inputs = [rng.uniform(0.4, 1.6, shape) for shape in [(2, 3), (1, 3), (2, 3)]]
    lines, values, unused = [], list(inputs), [0, 1, 2]
    while len(lines) < length or len(unused) > 1:
        first = unused[0] if len(lines) >= length or rng.random() < 0.6 else \
            int(rng.integers(len(values)))
        line = _line(rng, values, first, unused, bool(rng.random() < resting))
        if line is not None:
            lines.append(line)
            values.append(run([line], values)[-1])
            unused = [k for k in unused if k not in line[1]] + [len(values) - 1]
    return lines, inputs


def _line(rng, values, first, unused, rests):
    """A line that reads ``first``; None where the drawn op does not suit the values."""
    if rng.random() < 0.4:
        op = str(rng.choice(list(ONE)))
        attrs, compute, suits = ONE[op]
        line = (op, [first], attrs, rests)
        given = [values[first]]
    else:
        op = str(rng.choice(list(TWO)))
        compute, suits = TWO[op]
        other = unused[-1] if rng.random() < 0.5 else int(rng.integers(len(values)))
        line, given = (op, [first, other], {}, rests), [values[first], values[other]]
    try:
        if suits is not None and not suits(*given):
            return None
        out = compute(*given)
    except (ValueError, IndexError):
        return None
    return line if 0 < out.size <= 9 and np.abs(out).max() < 4 else None


def run(lines, inputs):
    """All values of a program, in plain NumPy."""
    values = list(inputs)
    for op, operands, _, _ in lines:
        compute = (ONE[op][1] if op in ONE else TWO[op][0])
        values.append(compute(*(values[k] for k in operands)))
    return values


def differences(lines, inputs, g, h=1e-6):
    """The gradient of ``sum(g * result)`` by each input, by central differences; what a resting
    line computes is held fixed."""
    fixed = {len(inputs) + k: run(lines, inputs)[len(inputs) + k]
             for k, line in enumerate(lines) if line[3]}

    def total(xs):
        values = list(xs)
        for op, operands, _, rests in lines:
            compute = (ONE[op][1] if op in ONE else TWO[op][0])
            values.append(fixed[len(values)] if rests else
                          compute(*(values[k] for k in operands)))
        return float(np.sum(values[-1] * g))

    grads = []
    for k, x in enumerate(inputs):
        grad = np.zeros_like(x)
        for at in np.ndindex(x.shape):
            ends = []
            for sign in (1, -1):
                moved = [y.copy() for y in inputs]
                moved[k][at] += sign * h
                ends.append(total(moved))
            grad[at] = (ends[0] - ends[1]) / (2 * h)
        grads.append(grad)
    return grads


def show(lines, count):
    """The program as a line of text: ``v3 = mul v0 v1; v4 = …``."""
    return "; ".join(f"v{count + k} = {op} {' '.join(f'v{x}' for x in operands)}"
                     f"{' (no_grad)' * rests}"
                     for k, (op, operands, _, rests) in enumerate(lines))


def shuffled(rng, lines, count):
    """The same program with its lines in another valid order."""
    place, out, left = {k: k for k in range(count)}, [], list(range(len(lines)))
    while left:
        ready = [k for k in left if all(x in place for x in lines[k][1])]
        last = len(lines) - 1
        k = int(rng.choice([r for r in ready if r != last] or ready))
        op, operands, attrs, rests = lines[k]
        out.append((op, [place[x] for x in operands], attrs, rests))
        place[count + k] = count + len(out) - 1
        left.remove(k)
    return out
