"""What lab V.1 asks of a dispatcher: which kernels run, in what order, in which thread."""

from aisys_lab.exercises.declare import AnswerError, Case, edits, exercise

FALL = "falls through"
MOST = 25  # kernels of one script; more is a recursion without end

BY_SETS = '''
def dispatch(registry, op, *args):
    local, keys = registry.local, registry.keys(args)
    resting = getattr(local, "resting", set())
    for place, key in enumerate(registry.order):
        if key not in keys or key in resting:
            continue
        own = registry.kernels.get((op, key))
        kernel = own or registry.kernels.get(("*", key))
        if kernel is None:
            raise KeyError(f"{op} has no kernel for {key}")
        if kernel == "falls through":
            continue
        local.resting = {*resting, *registry.order[:place + 1]}
        try:
            return kernel(*args)
        finally:
            local.resting = resting
    raise KeyError(f"{op} has no kernel left")
'''
BY_PLACE = '''
from contextlib import contextmanager

@contextmanager
def below(local, place):
    before = getattr(local, "start", 0)
    local.start = place
    try:
        yield
    finally:
        local.start = before

def dispatch(registry, op, *args):
    start, active = getattr(registry.local, "start", 0), registry.keys(args)
    for place in range(start, len(registry.order)):
        key = registry.order[place]
        if key in active:
            if (op, key) not in registry.kernels and ("*", key) not in registry.kernels:
                raise lab.LabError(f"no kernel: {op}, {key}")
            entry = registry.kernels.get((op, key)) or registry.kernels["*", key]
            if entry != "falls through":
                with below(registry.local, place + 1):
                    return entry(*args)
    raise lab.LabError(f"{op}: no kernel")
'''
WRONG = edits(BY_SETS, {
    "infinite redispatch": ("{*resting, *registry.order[:place + 1]}", "resting"),
    "only its own key rests": ("*registry.order[:place + 1]", "key"),
    "key leaks across threads": ("registry.local, registry", "lab, registry"),
    "an error leaves keys at rest": ('''        try:
            return kernel(*args)
        finally:
            local.resting = resting
''', '''        out = kernel(*args)
        local.resting = resting
        return out
'''),
    "wakes all keys after a kernel": ("finally:\n            local.resting = resting",
                                      "finally:\n            local.resting = set()"),
    "keys rest for one op only": (
        "key in resting:", "(op, key) in resting:",
        "*registry.order[:place + 1]}", "*((op, k) for k in registry.order[:place + 1])}"),
    "a missing kernel falls through": (
        '            raise KeyError(f"{op} has no kernel for {key}")', "            continue"),
    "falling through ends the call": ('"falls through":\n            continue',
                                      '"falls through":\n            return None'),
    "the lowest key first": ("enumerate(registry.order)",
                             "reversed([*enumerate(registry.order)])"),
    "no kernel for all ops": (' or registry.kernels.get(("*", key))', ""),
    "the kernel for all ops first": ("own or registry.kernels.get((\"*\", key))",
                                     "registry.kernels.get((\"*\", key)) or own"),
    "does not name the key": (" for {key}", ""),
    "runs every kernel": ('''            return kernel(*args)
        finally:''', '''            out = kernel(*args)
        finally:''', "    raise KeyError(f\"{op} has no kernel left\")", "    return out"),
})


class Script:
    """Kernels that log themselves: what they do is a word for each ``(op, key)``."""

    def __init__(self, answer, order, does):
        self.answer, self.order, self.does, self.log = answer, order, does, []

    def call(self, op, args, elsewhere=False):
        """One call of the answer."""
        kernels = {place: word if word == FALL else self._kernel(word, *place)
                   for place, word in self.does.items()}
        return self.answer(list(self.order), kernels, op, args, elsewhere)

    def _kernel(self, word, op, key):
        def run(*args):
            self.log.append(f"{op}@{key}")
            if len(self.log) > MOST:
                raise RecursionError(f"more than {MOST} kernels run")
            return ACTIONS[word](self.call, op if op != "*" else "mul", list(args))
        return run


def _fails(call, op, args):
    raise ZeroDivisionError("the kernel failed")


ACTIONS = {  # what a kernel does with (call, op, args)
    "ends": lambda call, op, args: 1,
    "again": lambda call, op, args: call(op, args) + 2,
    "again twice": lambda call, op, args: call(op, args) + 3 * call(op, args),
    "another": lambda call, op, args: 5 * call("neg", args),
    "in a new thread": lambda call, op, args: 7 * call("neg", args, True) + call("neg", args),
    "fails": _fails,
}


def model(order, does, op, args, log, start=0):
    """What a right dispatcher returns, with the place in the order handed down."""
    keys = {key for _, own in args for key in own}
    for place, key in enumerate(order):
        word = does.get((op, key), does.get(("*", key)))
        if place >= start and key in keys and word != FALL:
            shown = op if (op, key) in does else "*"
            log.append(f"{shown}@{key}")

            def call(inner, xs, elsewhere=False, below=place + 1):
                return model(order, does, inner, xs, log, 0 if elsewhere else below)
            return ACTIONS[word](call, op if shown != "*" else "mul", args)
    raise KeyError(op)


@exercise("autodiff.dispatch", code="V.1-C", points=10, mutants=WRONG, driver="dispatch",
          different={"by sets": BY_SETS, "by place": BY_PLACE},
          hides=("autodiff.lessons.dispatch:dispatch",))
def dispatch(answer, rng):
    """dispatch(registry, op, *args) runs the kernel of the highest active key and returns its
    result. registry.order lists the keys, highest first; registry.keys(args) is the set of the
    arguments' keys; registry.kernels[op, key] is a function of *args. Where that is missing,
    registry.kernels['*', key] serves. An entry equal to 'falls through' passes on to the next
    active key. A key without an entry, or no key left, is an error whose message has the op, and
    the key if there is one. While a kernel runs, its key and all above it are not active in this
    thread, for any op: so a kernel that calls its op again reaches those below. When it ends, or
    raises, all is as before. Keep what you need in registry.local, a threading.local(), which is
    empty in a new thread."""
    for word in ("again", "again twice", "another", "in a new thread"):
        yield from _random(answer, rng, word)
    order = [str(key) for key in rng.permutation(KEYS)]
    yield from _after_an_error(answer, order)
    yield from _missing(answer, order)


KEYS = ("autograd", "tracing", "quantized", "backend")


def _random(answer, rng, word):
    """A registry by chance, in which one kernel in the middle does ``word``."""
    order = [str(key) for key in rng.permutation(KEYS)]
    first, middle, last = sorted(int(k) for k in rng.choice(4, 3, replace=False))
    does = {("mul", order[first]): "again", ("mul", order[middle]): word,
            ("mul", order[last]): "ends", ("neg", order[last]): "ends",
            ("neg", order[middle]): "again", ("neg", order[first]): "again"}
    does |= {("*", key): "again" for key in order[:-1]} | {("*", order[-1]): "ends"}
    del does["mul" if "again" in word else "neg", order[last]]
    args = [[float(rng.integers(9)), sorted({order[first], order[-1]})],
            [0.5, sorted({order[middle], order[last]})]]
    wanted = []
    result = model(order, does, "mul", args, wanted)
    yield from _one(answer, order, does, args, wanted, result)
    does["mul", order[first]] = FALL
    result = model(order, does, "mul", args, wanted := [])
    yield from _one(answer, order, does, args, wanted, result)


def _one(answer, order, does, args, wanted, result):
    script = Script(answer, order, does)
    given = f"order {order}, kernels {_told(does)}, arguments with keys {[a[1] for a in args]}"
    try:
        came = script.call("mul", args)
    except AnswerError as error:
        yield Case(False, f"{given}: expected the kernels {', '.join(wanted)} to run; yours "
                          f"{error}, after {', '.join(script.log[:8]) or 'none'}")
        return
    yield Case(script.log == wanted, f"{given}: expected the kernels {', '.join(wanted)} to run, "
                                     f"came {', '.join(script.log) or 'none'}")
    yield Case(came == result, f"{given}: expected the result {result}, came {came}")


def _told(does):
    return ", ".join(f"{op}@{key}: {word}" for (op, key), word in does.items())


def _after_an_error(answer, order):
    """A kernel that raises, and the same call once more."""
    script = Script(answer, order, {("mul", order[0]): "again", ("mul", order[1]): "fails"})
    args = [[1.0, order]]
    for turn in ("first", "second"):
        script.log.clear()
        try:
            script.call("mul", args)
            yield Case(False, "a kernel raised; expected its error, came a result")
        except AnswerError as error:
            yield Case("the kernel failed" in str(error),
                       f"a kernel raised ZeroDivisionError, in the {turn} call; expected that "
                       f"error, yours {error}")
        yield Case(len(script.log) == 2, f"mul@{order[0]}: again, mul@{order[1]}: fails, {turn} "
                                         f"call: expected both to run, came {script.log}")


def _missing(answer, order):
    """Errors that name the op and the key."""
    for does, words in (({("mul", order[2]): "ends"}, ("mul", order[1])),
                        ({("mul", order[1]): FALL, ("mul", order[2]): FALL}, ("mul",))):
        script = Script(answer, order, does)
        given = f"order {order}, kernels {_told(does)}, argument with keys {order[1:3]}"
        try:
            came = script.call("mul", [[1.0, order[1:3]]])
            yield Case(False, f"{given}: expected an error, came {came}")
        except AnswerError as error:
            yield Case(all(word in error.message for word in words),
                       f"{given}: expected an error with {' and '.join(words)}, yours {error}")
