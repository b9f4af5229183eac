"""What lab I.1 asks of a benchmark, judged on a machine whose clock is ours."""

from aisys_lab.core.timing import Timing
from aisys_lab.exercises.declare import Case, edits, exercise

RIGHT = '''
import statistics
import time

def bench(f, g, clock=time.perf_counter, warmup=3, repeats=31):
    for _ in range(warmup):
        f()
        g()
    tf, tg = [], []
    for _ in range(repeats):
        a = clock()
        f()
        b = clock()
        g()
        c = clock()
        tf.append(b - a)
        tg.append(c - b)
    middle = statistics.median
    rank = int(repeats / 2 - 1.3 * repeats ** 0.5)
    tf, tg = sorted(tf), sorted(tg)
    low = tg[rank] / tf[-1 - rank]
    high = tg[-1 - rank] / tf[rank]
    faster = "f" if low > 1 else "g" if high < 1 else "inconclusive"
    return lab.Timing(middle(tf), middle(tg), low, high, faster)
'''
RANDOM = '''
import time

def bench(f, g, clock=time.perf_counter, warmup=3, repeats=31):
    for _ in range(warmup):
        f(), g()
    times = {f: [], g: []}
    for h in [f, g] * repeats:
        start = clock()
        h()
        times[h].append(clock() - start)
    a, b = np.array(times[f]), np.array(times[g])
    draws = np.random.default_rng(0).integers(repeats, size=(2000, repeats))
    ratios = np.median(b[draws], axis=1) / np.median(a[draws], axis=1)
    low, high = np.quantile(ratios, [0.005, 0.995])
    faster = "f" if low > 1 else "g" if high < 1 else "inconclusive"
    return lab.Timing(np.median(a), np.median(b), low, high, faster)
'''
IN_TURN = RIGHT[RIGHT.index("    tf, tg = []"):RIGHT.index("    middle =")]
ONE_THEN_OTHER = '''    def times(h):
        out = []
        for _ in range(repeats):
            a = clock()
            h()
            out.append(clock() - a)
        return out
    tf, tg = times(f), times(g)
'''
MEAN = '''    middle = statistics.mean
    sf, sg = (2.6 * statistics.stdev(t) / repeats ** 0.5 for t in (tf, tg))
    low = (middle(tg) - sg) / (middle(tf) + sf)
    high = (middle(tg) + sg) / max(middle(tf) - sf, 1e-9)
    faster'''


class Machine:
    """A clock that moves only when ``f`` or ``g`` runs, with noise, drift, spikes, compilation."""

    def __init__(self, rng, f, g, noise=0.0, drift=0.0, spikes=0.0, slow=0):
        self.rng, self.cost = rng, {"f": f, "g": g}
        self.noise, self.drift, self.spikes, self.slow = noise, drift, spikes, slow
        self.now, self.calls, self.bag = float(rng.uniform(1, 100)), {"f": 0, "g": 0}, {}

    def clock(self):
        return self.now

    def f(self):
        self._run("f")

    def g(self):
        self._run("g")

    def _run(self, name):
        seconds = self.cost[name] * (1 + self.noise * self._normal(name))
        seconds *= 1 + self.drift * sum(self.calls.values())
        seconds *= 20 if name == "f" and self.rng.random() < self.spikes else 1
        seconds *= 50 if name == "f" and self.calls["f"] < self.slow else 1
        self.calls[name] += 1
        self.now += seconds

    def _normal(self, name):
        """Noise in random order but balanced over eight calls, so that luck decides nothing."""
        if not self.bag.get(name):
            self.bag[name] = list(self.rng.permutation(EIGHTHS))
        return self.bag[name].pop()


EIGHTHS = (-1.534, -0.887, -0.489, -0.157, 0.157, 0.489, 0.887, 1.534)  # of the normal curve


WRONG = edits(RIGHT, {
    "no warm-up": ("range(warmup)", "range(0)"),
    "mean, not median": (RIGHT[RIGHT.index("    middle"):RIGHT.index(' = "f" if')], MEAN),
    "all of f, then all of g": (IN_TURN, ONE_THEN_OTHER),
    "concludes inside the noise": ('"f" if low > 1 else "g" if high < 1 else "inconclusive"',
                                   '"f" if middle(tg) > middle(tf) else "g"'),
    "never concludes": ('"f" if low > 1 else "g" if high < 1 else', "1 and"),
    "ratio upside down": ('"f" if low > 1 else "g" if', '"g" if low > 1 else "f" if'),
}) | {"times the first calls": RIGHT.replace("range(repeats)", "range(warmup + repeats)")
                                    .replace("range(warmup)", "range(0)")}


@exercise("core.bench", code="I.1-C", points=10, hides=("core.timing:bench", "core.timing:_pair",
                                                   "core.timing:interval"), mutants=WRONG,
          different={"two intervals that must not overlap": RIGHT, "bootstrap": RANDOM})
def bench(answer, rng):
    """bench(f, g, clock=time.perf_counter, warmup=3, repeats=31) times f() and g(): first `warmup`
    calls of each that count for nothing, then `repeats` timed calls of each, taking turns. It
    returns lab.Timing(f, g, low, high, faster): the median seconds of each, an interval that
    holds the ratio g/f at about 99 %, and 'f', 'g', or 'inconclusive' where the noise is larger
    than the difference. clock() gives the seconds now; use no other."""
    yield from _one(answer, rng, "f 20 % faster, noise 5 %", ratio=1.2, noise=0.05)
    yield from _one(answer, rng, "g 20 % faster, noise 5 %", ratio=1 / 1.2, noise=0.05)
    yield from _one(answer, rng, "f 20 % faster, but one of its calls in eight takes 20 times "
                    "as long", ratio=1.2, noise=0.05, spikes=0.125)
    yield from _one(answer, rng, "f 20 % faster, but compiling makes its first 40 calls slow, "
                    "warmup=40", ratio=1.2, noise=0.05, slow=40, warmup=40)
    yield from _undecided(answer, rng, "2 % difference, noise 10 %", ratio=1.02, noise=0.1)
    yield from _undecided(answer, rng, "no difference, every call 1 % slower than the one before",
                          ratio=1.0, noise=0.05, drift=0.01)


def _run(answer, rng, ratio, warmup=3, repeats=31, **machine):
    seconds = float(rng.uniform(1e-3, 1e-1))
    world = Machine(rng, seconds, seconds * ratio, **machine)
    came = answer(world.f, world.g, world.clock, warmup=warmup, repeats=repeats)
    return world, seconds, came


def _one(answer, rng, given, ratio, warmup=3, **machine):
    """Cases of a race with a winner."""
    world, seconds, came = _run(answer, rng, ratio, warmup, **machine)
    if not isinstance(came, Timing):
        yield Case(False, f"{given}: expected a lab.Timing, came {came!r}")
        return
    winner = "f" if ratio > 1 else "g"
    yield Case(came.faster == winner, f"{given}: expected faster={winner!r}, came {came}")
    near = abs(came.f / seconds - 1) < 0.08 and abs(came.g / (seconds * ratio) - 1) < 0.08
    yield Case(near, f"{given}: expected medians near {seconds:.4g} s and {seconds * ratio:.4g} s,"
                     f" came {came.f:.4g} s and {came.g:.4g} s")
    holds = 0.75 * ratio < came.low <= came.g / came.f <= came.high < 1.35 * ratio
    yield Case(holds, f"{given}: expected an interval of g/f around {ratio:.3f}, came "
                      f"{came.low:.3f} to {came.high:.3f}")
    few = min(world.calls.values())
    yield Case(few >= warmup + 31, f"{given}: expected at least {warmup} + 31 calls of each "
                                   f"function, came {few}")


def _undecided(answer, rng, given, **machine):
    """A race without a winner: five runs, of which luck may decide one."""
    words = [getattr(_run(answer, rng, **machine)[2], "faster", "no Timing") for _ in range(5)]
    yield Case(words.count("inconclusive") >= 4,
               f"{given}: expected 'inconclusive', came {', '.join(words)}")
