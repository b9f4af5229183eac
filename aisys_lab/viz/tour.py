"""The two maps of the book: the twelve-line tour with a line lit, and the stack it runs down."""

from aisys_lab.core import LabError
from aisys_lab.viz.svg import WIDTH, box, picture, stroke, words

CURRICULUM = ("I.1", "II.1", "II.2", "II.3", "II.4", "II.5", "II.6", "II.7",
              "III.1", "III.2", "III.3", "III.4", "III.6",
              "IV.1", "IV.2", "IV.3", "IV.4", "IV.5", "V.1", "V.2", "V.3", "V.4")
TOUR = (  # a line of the tour, and the chapters that open it
    ("import lab", ("I.1",)),
    ("datasets", ("V.1",)),
    ("fit", ("V.1",)),
    ("value_and_grad", ("V.2",)),
    ("trace", ("III.6", "V.3")),
    ("optimize", ("III.2", "III.3")),
    ("compile", ("III.1", "III.4")),
    ("estimate", ("II.1", "II.2", "II.3", "II.4", "II.5", "II.6", "II.7", "IV.2")),
    ("load_onnx", ("IV.4",)),
    ("quantize", ("IV.3",)),
    ("serve", ("IV.1", "IV.5")),
    ("parallelize", ("V.4",)),
)
STACK = (  # a layer, what it owns, and where the course has it
    ("application", "the task, the model, the data", "lab.models, lab.datasets"),
    ("framework", "tensors, derivatives, the graph", "lab.autodiff, lab.ir"),
    ("compiler", "fewer, better loops", "lab.optimize, lab.compile"),
    ("runtime", "when and where each piece runs", "lab.inference, lab.serve"),
    ("kernels", "the loops that do the arithmetic", "lab.kernels"),
    ("driver", "memory and work handed to a chip", "the operating system"),
    ("chip", "arithmetic units and memories", "lab.chips, lab.estimate"),
    ("cluster", "many chips and the wires between", "lab.parallelize"),
)


def tour_map(topic):
    """The tour as a strip of twelve boxes: the topic's lit, those opened before it filled."""
    if topic not in CURRICULUM:
        raise LabError(f"no topic {topic!r}; the topics are: {', '.join(CURRICULUM)}.")
    states = [state(chapters, topic) for _, chapters in TOUR]
    parts = [part for i, (line, chapters) in enumerate(TOUR)
             for part in cell(i, line, shown(chapters, topic), states[i])]
    return picture(4 * 52, parts, tour_sentence(topic, states))


def state(chapters, topic):
    """``lit``, ``open`` or ``closed`` for a reader of that topic."""
    if topic in chapters:
        return "lit"
    read = CURRICULUM[:CURRICULUM.index(topic)]
    return "open" if any(chapter in read for chapter in chapters) else "closed"


def shown(chapters, topic):
    """The chapters of a box in few letters."""
    if topic in chapters or len(chapters) == 1:
        return topic if topic in chapters else chapters[0]
    return f"{chapters[0]} – {chapters[-1]}" if len(chapters) > 2 else ", ".join(chapters)


LOOKS = {  # state -> fill, outline, ink, mark
    "lit": ("accent", "accent", "light", "here"),
    "open": ("soft", "compute", "ink", "open"),
    "closed": ("none", "rest", "ink", "closed"),
}


def cell(i, line, chapters, state):
    """One box of the strip, numbered from 1, three in a row."""
    fill, edge, ink, mark = LOOKS[state]
    x, y, wide = 4 + i % 3 * 146, 4 + i // 3 * 52, 140
    return [box(x, y, wide, 44, fill, edge, dash="5 3" if state == "closed" else None),
            words(x + 8, y + 18, f"{i + 1} {line}", ink, size=13, mono=True, bold=state == "lit"),
            words(x + 8, y + 36, f"{chapters} · {mark}", ink, size=12)]


def tour_sentence(topic, states):
    """What the strip says, for those who do not see it."""
    lit = [TOUR[i][0] for i, s in enumerate(states) if s == "lit"]
    return (f"The tour in twelve boxes, chapter {topic}: {' and '.join(lit)} is lit, "
            f"{states.count('open') or 'no'} boxes are open, "
            f"{states.count('closed')} still closed.")


def stack(lit=None):
    """The eight layers from the application down to the cluster; one of them may be lit."""
    names = [name for name, *_ in STACK]
    if lit is not None and lit not in names:
        raise LabError(f"no layer {lit!r}; the layers are: {', '.join(names)}.")
    parts = []
    for i, (name, owns, ours) in enumerate(STACK):
        y = 4 + i * 46
        fill, ink = ("accent", "light") if name == lit else ("soft", "ink")
        parts += [box(4, y, WIDTH - 8, 38, fill, "rest"),
                  words(14, y + 24, name, ink, bold=True), words(118, y + 16, owns, ink, size=13),
                  words(118, y + 32, ours, ink, size=12, mono=True)]
        if i:
            parts.append(stroke([(60, y - 8), (60, y)], arrow=True))
    alt = ("The stack in eight layers, each resting on the next: " + ", ".join(names)
           + (f"; {lit} is lit." if lit else "."))
    return picture(4 + len(STACK) * 46, parts, alt)
