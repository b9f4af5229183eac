"""Numbers and tables as text: the one place where units and columns are formatted."""

PREFIXES = (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3), ("", 1.0),
            ("m", 1e-3), ("µ", 1e-6), ("n", 1e-9), ("p", 1e-12))


def si(value, unit="", digits=3):
    """A value with its unit and a decimal prefix, to ``digits`` significant digits.

    >>> si(12.6e6, "B"), si(0.00031, "s"), si(312e12, "FLOP/s")
    ('12.6 MB', '310 µs', '312 TFLOP/s')
    """
    if value == 0:
        return f"0 {unit}".rstrip()
    if value != value or value in (float("inf"), float("-inf")):
        return f"{value} {unit}".rstrip()
    size = abs(value)
    prefix, scale = next((p for p in PREFIXES if size >= p[1] * (1 - 0.5 * 10**-digits)),
                         PREFIXES[-1])
    return f"{significant(value / scale, digits)} {prefix}{unit}".rstrip()


def significant(value, digits=3):
    """``value`` with that many significant digits, never in exponent form."""
    rounded = abs(float(f"{value:.{digits}g}"))  # 99.96 is 100, of three digits before the point
    whole = len(str(int(rounded))) if rounded >= 1 else 1
    return f"{value:.{max(digits - whole, 0)}f}"


def count(n):
    """A whole number with thin separators: ``25 557 032``."""
    return f"{n:,}".replace(",", " ")


def table(rows, header=None, align=None):
    """Rows as aligned text: numbers to the right, words to the left; ``align`` like ``'lrr'``."""
    cells = [[str(cell) for cell in row] for row in ([header] if header else []) + list(rows)]
    if not cells:
        return ""
    width = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    sides = align or "".join(_side(row[i] for row in cells[bool(header):])
                             for i in range(len(width)))
    lines = ["  ".join(cell.rjust(w) if side == "r" else cell.ljust(w)
                       for cell, w, side in zip(row, width, sides, strict=True)).rstrip()
             for row in cells]
    if header:
        lines.insert(1, "-" * sum(width, 2 * (len(width) - 1)))
    return "\n".join(lines)


def _side(cells):
    return "r" if all(c[:1].isdigit() or c[:1] in "-+.–" for c in cells if c) else "l"


def listing(words, last="and"):
    """Words as a sentence lists them.

    >>> listing(["fold", "cse", "dce"])
    'fold, cse and dce'
    """
    words = list(map(str, words))
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else "none"
