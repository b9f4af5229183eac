"""Figure «step-size valley»: the error of four ways to a derivative, against the step."""

import numpy as np

from aisys_lab.autodiff import jvp
from aisys_lab.viz.figures import FIGURES, Figure
from aisys_lab.viz.svg import WIDTH, box, picture, stroke, words

FUNCTIONS = {  # name: (f, exact slope, where)
    "exp(x) at 1": (np.exp, np.exp, 1.0),
    "sin(x) at 0.5": (np.sin, np.cos, 0.5),
    "x³ at 2": (lambda x: x * x * x, lambda x: 3 * x * x, 2.0),
    "1/x at 0.01": (lambda x: 1 / x, lambda x: -1 / (x * x), 0.01),
}
POWERS = np.arange(-16, 0.25, 0.25)  # of ten: the steps
FLOOR, TOP = -18, 2  # of ten: the errors that are drawn


def compute(function, dtype, power):
    """Relative errors at every step, and at the one that is pointed at."""
    f, slope, at = FUNCTIONS[function]
    kind = np.dtype(dtype).type
    x, exact = kind(at), slope(np.float64(kind(at)))
    steps = (10.0 ** POWERS).astype(kind)
    with np.errstate(all="ignore"):
        ways = {"forward": (f(x + steps) - f(x)) / steps,
                "central": (f(x + steps) - f(x - steps)) / (2 * steps),
                "complex step": np.imag(f(x + 1j * steps.astype(np.result_type(kind, 1j)))) / steps}
        errors = {name: np.abs(got.astype(np.float64) / exact - 1) for name, got in ways.items()}
    own = jvp(f, (np.asarray(x),), (np.asarray(kind(1)),))[1]
    errors["automatic"] = np.full(len(steps), abs(np.float64(own) / exact - 1))
    return {"function": function, "dtype": dtype, "power": power, "errors": errors,
            "best": {name: (float(10.0 ** POWERS[np.nanargmin(e)]), float(np.nanmin(e)))
                     for name, e in errors.items()}}


LOOKS = {"forward": ("memory", "5 3"), "central": ("compute", None),
         "complex step": ("quiet", "2 3"), "automatic": ("accent", None)}
LEFT, RIGHT, HIGH, LOW = 44, WIDTH - 14, 20, 250


def draw(data):
    """Errors over steps, both axes logarithmic, and a line at the chosen step."""
    parts = [words(0, 12, "relative error", "quiet", size=12), *axes()]
    for name, (look, dash) in LOOKS.items():
        points = [(across(p), up(e)) for p, e in zip(POWERS, data["errors"][name], strict=True)
                  if np.isfinite(e)]
        parts.append(stroke(points, look, width=2, dash=dash))
    x = across(data["power"])
    parts.append(stroke([(x, HIGH), (x, LOW)], "rest", width=1, dash="1 3"))
    parts += legend(data)
    return picture(362, parts, sentence(data))


def axes():
    """The frame, with powers of ten."""
    parts = [box(LEFT, HIGH, RIGHT - LEFT, LOW - HIGH, "none", "rest")]
    parts += [words(LEFT - 6, up(10.0 ** p) + 4, power(p), "quiet", "end", 11)
              for p in range(-16, 1, 4)]
    parts += [words(across(p), LOW + 16, power(p), "quiet", "middle", 11)
              for p in range(-16, 1, 4)]
    parts.append(words(LEFT - 6, LOW + 4, "0", "quiet", "end", 11))
    return [*parts, words(RIGHT, LOW + 34, "step h", "quiet", "end", 12)]


def legend(data):
    """A line a way: its stroke, its name, its error at the chosen step and at best."""
    k, parts = int(np.argmin(np.abs(POWERS - data["power"]))), []
    for row, (name, (look, dash)) in enumerate(LOOKS.items()):
        y = LOW + 56 + 17 * row
        best, least = data["best"][name]
        at = "no step" if name == "automatic" else f"best {short(least)} at h = {short(best)}"
        parts += [stroke([(LEFT, y - 4), (LEFT + 24, y - 4)], look, width=2, dash=dash),
                  words(LEFT + 32, y, name, size=12),
                  words(LEFT + 210, y, short(data["errors"][name][k]), "ink", "end", 12, mono=True),
                  words(RIGHT, y, at, "quiet", "end", 12)]
    return parts


def across(p):
    """Where a step of ten to the ``p`` stands."""
    return LEFT + (RIGHT - LEFT) * (p - POWERS[0]) / (POWERS[-1] - POWERS[0])


def up(error):
    """Where an error stands; none at all lies on the floor."""
    p = np.clip(np.log10(max(error, 10.0 ** FLOOR)), FLOOR, TOP)
    return LOW - (LOW - HIGH) * (p - FLOOR) / (TOP - FLOOR)


def power(p):
    """A power of ten, for an axis."""
    return "10" + str(p).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def short(x):
    """A small number in a few letters."""
    return "0" if x == 0 else f"{x:.0e}"


def sentence(data):
    """The point of a frame."""
    best = data["best"]
    return (f"Error of the slope of {data['function']} in {data['dtype']} against the step: "
            f"forward differences reach {short(best['forward'][1])} at h = "
            f"{short(best['forward'][0])}, central ones {short(best['central'][1])} at "
            f"{short(best['central'][0])}; smaller steps drown in rounding. The complex step "
            f"reaches {short(best['complex step'][1])}, automatic differentiation "
            f"{short(best['automatic'][1])} with no step at all.")


FIGURES.define("step_valley", Figure(
    "step_valley", "The valley of finite differences", compute, draw,
    grid={"function": tuple(FUNCTIONS), "dtype": ("float64", "float32"),
          "power": tuple(range(-16, 1, 2))},
    labels={"function": "Function", "dtype": "Numbers", "power": "Step"},
    start={"power": -6}, units={"power": lambda p: f"h = {power(p)}"}))
