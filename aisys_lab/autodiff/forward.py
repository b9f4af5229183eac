"""Forward mode: every tensor carries its tangent along. (Dual numbers, array by array.)"""

from aisys_lab.autodiff.tensor import JVP, MODES, Joint, Mode, Tensor, inside, resting
from aisys_lab.ir import bind


@MODES.row("forward")
class Forward(Mode):
    """A tensor's note is its tangent."""

    name = "forward mode"

    def variable(self, value, tangent):
        """A tensor that moves along ``tangent``."""
        return Tensor(value, self, tangent)

    def bind(self, op, inputs, attrs):
        """The result with its tangent: the sum of what each moving input gives."""
        if "body" in attrs and op not in JVP:
            return inside(inputs, attrs)
        rules = JVP[op]
        values = [self.lower(x) for x in inputs]
        out = bind(op, *values, **attrs)
        if rules is None or resting() > self.level:
            return out
        tangents = [x.note if type(x) is Tensor and x.mode is self else None for x in inputs]
        tangent = push_forward(op, tangents, (out, *values), attrs)
        if type(out) is tuple:
            self.own(out)
            return tuple(map(self._moving, out, tangent))
        return self._moving(out, tangent)

    def _moving(self, out, tangent):
        return out if tangent is None else Tensor(out, self, tangent)


def push_forward(op, tangents, given, attrs):
    """The tangent of an op's result, or a tuple of them, by its row in JVP; None where nothing
    that matters moves. ``given`` are the result and the inputs."""
    out, tangent = given[0], _tangent(JVP[op], tangents, given, attrs)
    if type(out) is tuple:
        return tuple(map(_spread, out, tangent or (None,) * len(out)))
    return _spread(out, tangent)


def _spread(out, tangent):
    """A tangent at the shape of its result."""
    if tangent is None or tangent.shape == out.shape:
        return tangent
    return bind("broadcast_to", tangent, shape=out.shape)


def _tangent(rules, tangents, given, attrs):
    """The tangent of a result; None where no input that matters moves."""
    if type(rules) is Joint:
        return rules.rule(tangents, *given, **attrs)
    pieces = []
    for k, t in enumerate(tangents):
        rule = None if t is None else rules[k] if type(rules) is tuple else rules(k)
        if rule is not None:
            pieces.append(rule(t, *given, **attrs))
    if not pieces or type(pieces[0]) is not tuple:
        return sum(pieces[1:], pieces[0]) if pieces else None
    return tuple(sum(ts[1:], ts[0]) for ts in zip(*pieces, strict=True))
