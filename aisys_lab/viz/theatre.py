"""Figure «tape theatre»: a chain of steps, there and back, and what memory holds on the way."""

from functools import cache

import numpy as np

from aisys_lab.autodiff import numpy as anp
from aisys_lab.autodiff.remat import chain_vjp
from aisys_lab.viz.figures import FIGURES, Figure
from aisys_lab.viz.svg import WIDTH, box, picture, stroke, words

STEPS, MOMENTS = 8, 24


@cache
def film(slots):
    """The actions of a real sweep through eight layers, with at most so many saved states."""
    x = np.linspace(-1, 1, 1024)
    _, machine = chain_vjp([lambda x, rng: anp.tanh(x * 1.5)] * STEPS, x, np.ones_like(x), slots)
    shown = [row for row in machine.film if row[0] in ("run", "back")]
    return shown, machine.count("run"), machine.peak, x.nbytes


def compute(slots, moment):
    """One moment of the sweep: what is done, what is saved, and the totals so far."""
    rows, runs, peak, nbytes = film(slots)
    k = round(moment * (len(rows) - 1) / (MOMENTS - 1))
    return {"slots": slots, "verb": rows[k][0], "step": rows[k][1], "saved": rows[k][2],
            "moment": k, "live": np.array([len(row[2]) for row in rows]),
            "verbs": [row[0] for row in rows], "runs": runs, "peak": peak, "bytes": nbytes}


def draw(data):
    """The chain above, the memory below, moment by moment."""
    wide = WIDTH / STEPS
    done = data["step"] if data["verb"] == "back" else STEPS
    parts = [words(0, 14, action(data), "accent", size=14, bold=True)]
    for k in range(STEPS):
        look = ("accent" if k == data["step"] else "compute" if k in data["saved"]
                else "rest" if k > done else "soft")
        ink = "ink" if look in ("soft", "rest") else "light"
        parts += [box(k * wide + 2, 26, wide - 4, 40, look, "quiet"),
                  words((k + 0.5) * wide, 44, f"f{k}", ink, "middle", 13, bold=True),
                  words((k + 0.5) * wide, 60, "saved" if k in data["saved"] else "", ink,
                        "middle", 11)]
    parts += bars(data, 98)
    saved = f"{data['peak']} states of {data['bytes'] / 1024:g} KiB at the peak"
    parts += [words(0, 262, f"{len(data['verbs']) - STEPS} runs and {STEPS} ways back in all; "
                            f"saved: {saved}", size=13)]
    return picture(272, parts, sentence(data))


def bars(data, top):
    """Saved states over time; a bar a moment, the present one in the accent."""
    n, high = len(data["live"]), 120
    wide = WIDTH / n
    parts = [words(0, top - 8, "saved states at each moment; dark: a run, light: a way back; "
                   "grey steps are done", "quiet", size=11)]
    for k, (live, verb) in enumerate(zip(data["live"], data["verbs"], strict=True)):
        tall = high * live / STEPS
        look = "accent" if k == data["moment"] else "compute" if verb == "run" else "memory"
        parts.append(box(k * wide + 0.5, top + high - tall, max(wide - 1, 1), tall, look, r=0))
    level = top + high - high * data["slots"] / STEPS
    return [*parts, stroke([(0, level), (WIDTH, level)], "quiet", width=1, dash="4 3"),
            words(WIDTH, level - 4, f"{data['slots']} slots", "quiet", "end", 11),
            stroke([(0, top + high), (WIDTH, top + high)], "rest", width=1)]


def action(data):
    """What is done at this moment, in words."""
    if data["verb"] == "run":
        again = data["verbs"][:data["moment"]].count("back")
        return f"run f{data['step']}" + (" once more" if again else "")
    return f"take the gradient back through f{data['step']}"


def sentence(data):
    """The point of a frame."""
    return (f"A chain of {STEPS} steps with {data['slots']} saved states at most: "
            f"{data['runs']} runs of a step for {STEPS} ways back, where saving everything takes "
            f"{STEPS - 1}. At this moment: {action(data)}, with {len(data['saved'])} states saved.")


FIGURES.define("tape_theatre", Figure(
    "tape_theatre", "Memory against running again", compute, draw,
    grid={"slots": (1, 2, 3, 4, 6, 8), "moment": tuple(range(MOMENTS))},
    labels={"slots": "Saved states", "moment": "Moment"}, start={"slots": 3, "moment": 11},
    units={"moment": lambda k: f"{k + 1} of {MOMENTS}"}))
