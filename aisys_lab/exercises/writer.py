"""Writes random programs of numbers: what a source transformation is tried on."""

from textwrap import indent

# what a random program computes of two names; values stay small, nothing is undefined
EXPRESSIONS = ("sin({a}) + {b} / 2", "{a} * cos({b})", "tanh({a} * {b}) + 0.3", "{a}", "-{b} * 0.7",
               "{a} / (1 + {b} * {b})", "exp(-{a} * {a}) - {b} / 3", "sqrt(1 + {a} * {a}) - {b}",
               "log(1.5 + {a} ** 2) * 0.7", "({a} - {b}) / 2",
               "abs({a} - 0.1) * {b} / (1 + {b} ** 2)")


class Writer:
    """Writes random programs: names set again and again, in branches and in loops."""

    def __init__(self, rng):
        self.rng, self.count = rng, 0

    def pick(self, choices):
        return choices[int(self.rng.integers(len(choices)))]

    def program(self, depth):
        lines = self.block(["x", "y", "z"], depth, 3)
        out = EXPRESSIONS[int(self.rng.integers(3))].format(a="x", b="y")
        return "\n".join(["def f(x, y):", "    z = x * y", *indent(lines, "    ").splitlines(),
                          f"    return z * {out}"])

    def block(self, names, depth, size):
        """Lines that set x, y, z again; what a block names itself is read in it alone."""
        names, lines = [*names], []
        kinds = (self.plain, self.plain, self.branch, self.turns, self.until)
        for _ in range(size):
            lines += self.pick(kinds[:5 if depth else 2])(names, depth)
        return "\n".join(lines)

    def expression(self, names):
        return self.pick(EXPRESSIONS).format(a=self.pick(names), b=self.pick(names))

    def plain(self, names, depth):
        self.count += 1
        target = self.pick(["x", "y", "z", f"t{self.count}"])
        line = f"{target} = {self.expression(names)}"
        if target not in names:
            names.append(target)
        elif self.rng.random() < 0.3:
            line = f"{target} {self.pick(['+=', '-='])} {self.expression(names)}"
        return [line]

    def inner(self, names, depth, more=()):
        text = "\n".join([self.block(names, depth - 1, 2), *more])
        return indent(text, "    ").splitlines()

    def branch(self, names, depth):
        test = f"{self.pick(names)} > {self.pick((0, 0.3, -0.2))}"
        return [f"if {test}:", *self.inner(names, depth), "else:", *self.inner(names, depth)]

    def turns(self, names, depth):
        self.count += 1
        i, span = f"i{self.count}", self.pick(["2", "3", "1, 4", "4, 0, -2", "0"])
        return [f"for {i} in range({span}):", *self.inner([*names, i], depth)]

    def until(self, names, depth):
        self.count += 1
        w = f"w{self.count}"
        return [f"{w} = 0.4 + {self.pick(names)} ** 2", f"while {w} > 0.3:",
                *self.inner([*names, w], depth, [f"{w} = {w} * 0.6 - 0.1"])]
