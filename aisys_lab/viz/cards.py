"""Chips as rooflines, counts and memories as bars, examples as images."""

import math

import numpy as np

from aisys_lab.core.text import count, si
from aisys_lab.viz.drawings import SHOW, clip, show_text
from aisys_lab.viz.svg import PALETTE, WIDTH, bars, box, num, picture, stroke, words

# ---- chip: rate over arithmetic intensity, both axes logarithmic

LEFT, TOP, HIGH = 8, 30, 196


@SHOW.row("Chip")
def show_chip(chip):
    """The roofline: a slope set by the memory, a roof for each number format."""
    roofs = roofs_of(chip)
    if not roofs or not chip.memory.value:
        return show_text(chip)
    ridges = {names: peak / chip.bandwidth for names, peak in roofs.items()}
    low, high = -1, math.ceil(math.log10(max(ridges.values()) * 4))
    top = max(roofs.values())
    floor = chip.bandwidth * 10.0 ** low
    place = axes_of(low, high, floor, top)
    parts = [words(0, 14, chip.name, bold=True), *ticks(low, high, place)]
    parts.append(stroke([place(10.0 ** low, floor), place(max(ridges.values()), top)], "compute",
                        2.5))
    for names, peak in roofs.items():
        x, y = place(ridges[names], peak)
        parts += [stroke([(x, y), (WIDTH - 4, y)], "accent", 2.5),
                  words(WIDTH - 4, y - 5, f"{names} {si(peak)}op/s", anchor="end", size=12)]
    x, y = place(math.sqrt(10.0 ** low * min(ridges.values())),
                 chip.bandwidth * math.sqrt(10.0 ** low * min(ridges.values())))
    parts += [words(x + 10, y + 12, f"{si(chip.bandwidth, 'B/s')}", size=12),
              words(WIDTH / 2, TOP + HIGH + 36, "operations a byte (both axes logarithmic)",
                    "quiet", "middle", 12)]
    ridge = ", ".join(f"{ridges[names]:.3g} for {names}" for names in roofs)
    return picture(TOP + HIGH + 42, parts, f"Roofline of {chip.name}: memory gives "
                   f"{si(chip.bandwidth, 'B/s')}; compute bounds from so many operations a byte "
                   f"on: {ridge}.")


def roofs_of(chip):
    """Names of formats -> their dense peak, formats of one peak together."""
    roofs = {}
    for name, rate in chip.peaks.items():
        if rate.value and rate.dense:
            roofs.setdefault(rate.value, []).append(name)
    return {" ".join(names): peak for peak, names in sorted(roofs.items())}


def axes_of(low, high, floor, top):
    """``place(intensity, rate) -> (x, y)``."""
    decades = math.log10(top / floor)

    def place(intensity, rate):
        across = (math.log10(intensity) - low) / (high - low)
        return (LEFT + across * (WIDTH - LEFT - 4),
                TOP + HIGH * (1 - math.log10(rate / floor) / decades))
    return place


def ticks(low, high, place):
    """The lower axis with its powers of ten."""
    foot = TOP + HIGH + 4
    parts = [stroke([(LEFT, foot), (WIDTH - 4, foot)], "quiet", 1)]
    for power in range(low, high + 1):
        x = LEFT + (power - low) / (high - low) * (WIDTH - LEFT - 4)
        anchor = "start" if power == low else "end" if power == high else "middle"
        parts.append(words(x, foot + 16, f"{10.0 ** power:g}", "quiet", anchor, 12))
    return parts


# ---- counts of a network: work and weights, side by side

@SHOW.row("Network")
def show_network(network):
    """The network's counts by kind of layer."""
    return show_counts(network.counts(network.layers[0].batch).by_kind())


@SHOW.row("Counts")
def show_counts(counts, most=10):
    """A pair of bars a row: its share of the operations, and of the bytes that move."""
    total = counts.total
    rows = sorted(counts, key=lambda row: -max(row.flops / (total.flops or 1),
                                               row.bytes / (total.bytes or 1)))[:most]
    parts = [words(0, 14, counts.network, bold=True),
             words(WIDTH, 14, f"{count(total.params)} parameters", anchor="end"),
             box(0, 24, 10, 10, "compute"), words(16, 34, f"{si(total.flops)}FLOP", size=12),
             box(160, 24, 10, 10, "memory"),
             words(176, 34, f"{si(total.bytes, 'B')} moved", size=12)]
    for i, row in enumerate(rows):
        y = 44 + 40 * i
        parts += [words(0, y + 12, clip(row.name, 30), size=13),
                  words(WIDTH, y + 12, f"{si(row.flops)}FLOP, {si(row.bytes, 'B')}",
                        anchor="end", size=13),
                  box(0, y + 17, WIDTH * row.flops / (total.flops or 1), 8, "compute"),
                  box(0, y + 26, WIDTH * row.bytes / (total.bytes or 1), 8, "memory")]
    most_work = sorted(rows, key=lambda row: -row.flops)[:3]
    shares = ", ".join(f"{row.name} {row.flops / (total.flops or 1):.0%}" for row in most_work)
    return picture(48 + 40 * len(rows), parts, f"{counts.network}: {si(total.flops)}FLOP and "
                   f"{si(total.bytes, 'B')} moved; of the FLOPs {shares}.")


# ---- memory of a training step

MEMORY = (("weights", "memory"), ("gradients", "compute"), ("optimizer", "rest"),
          ("activations", "accent"))


@SHOW.row("Memory")
def show_memory(memory):
    """One bar of four parts, and the parts by name."""
    parts = [words(0, 14, clip(memory.name, 40), bold=True),
             words(WIDTH, 14, si(memory.total, "B"), anchor="end", bold=True),
             *bars([[(getattr(memory, name), look) for name, look in MEMORY]], 24)]
    for i, (name, look) in enumerate(MEMORY):
        y, size = 52 + 18 * i, si(getattr(memory, name), "B")
        parts += [box(0, y, 12, 12, look), words(20, y + 11, name),
                  words(WIDTH, y + 11, f"{size}, {memory.share(name):.0%}", anchor="end")]
    return picture(128, parts, f"{memory.name}: {si(memory.total, 'B')}, of it "
                   + ", ".join(f"{memory.share(name):.0%} {name}" for name, _ in MEMORY) + ".")


# ---- examples: small grey images with their labels

@SHOW.row("Dataset")
def show_dataset(data):
    """The first twenty examples."""
    return show_images(data.x[:20], data.y[:20], repr(data))


@SHOW.row("tuple")
def show_pair(pair):
    """A batch ``(x, y)`` of images as images; any other tuple as text."""
    shapes = [np.shape(part) for part in pair]
    square = len(pair) == 2 and len(shapes[0]) == 2 and shapes[1] == shapes[0][:1] \
        and math.isqrt(shapes[0][1]) ** 2 == shapes[0][1]
    return show_images(pair[0][:40], pair[1][:40]) if square else show_text(pair)


def show_images(x, y, what="", across=10, shades=4):
    """Ten in a row; a pixel is one of few shades of the ink."""
    side, size = math.isqrt(x.shape[1]), WIDTH / across
    pixel = (size - 8) / side
    paths = {shade: [] for shade in range(1, shades + 1)}
    labels = []
    for i, (image, label) in enumerate(zip(x, y, strict=True)):
        left, top = i % across * size + 4, i // across * (size + 18)
        labels.append(words(left + size / 2 - 4, top + size + 6, label, "quiet", "middle", 12))
        for j, shade in enumerate(np.rint(image / (x.max() or 1) * shades).astype(int)):
            if shade > 0:
                paths[int(shade)].append(f"M{num(left + j % side * pixel)} "
                                         f"{num(top + j // side * pixel)}h{num(pixel)}"
                                         f"v{num(pixel)}h-{num(pixel)}z")
    drawn = [f"<path class='f-ink' fill='{PALETTE['ink']}' fill-opacity='{shade / shades:g}' "
             f"d='{''.join(path)}'/>" for shade, path in paths.items() if path]
    named = " ".join(str(label) for label in y)
    return picture((len(x) + across - 1) // across * (size + 18), drawn + labels,
                   f"{what + ': the' if what else 'The'} images of {named}.")
