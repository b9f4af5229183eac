"""Assembly and LLVM's IR as text: the innermost loops, and what their instructions are.

x86-64 in the syntax of AT&T, as LLVM prints it: sources first, the target last, memory in
parentheses. AArch64 in ARM's syntax and in Apple's: the target first, memory in brackets. A loop is
what lies between a label and a jump back to it; an innermost one has no other loop inside.
"""

import re
from dataclasses import dataclass

LABEL = re.compile(r'^("?[\w.$-]+"?):')
JUMP = re.compile(r"^(?:j\w+|b(?:\.\w+)?|cbn?z|tbn?z)\s")
GOAL = re.compile(r"([\w.$]+)$")
GOALS = re.compile(r'label %("?[\w.$-]+"?)')  # of a branch in LLVM's IR
METADATA = re.compile(r"(, ![\w.]+ !\d+)+$|\s*;.*$")
IR_PRODUCT = re.compile(r"@llvm\.(fma|fmuladd)\.| = fmul ")
IR_TYPE = re.compile(r"(?:<(\d+) x )?\b(float|double)\b")
IR_BITS = {"float": 32, "double": 64}

X86 = "x86-64"
ARM = "AArch64"


@dataclass(frozen=True)
class Kind:
    """How instructions of a machine look, as regular expressions of a line."""

    comment: str  # and what follows it
    fma: str
    arithmetic: str  # on numbers of data, the multiply-adds included
    widths: tuple  # (pattern of a register, bits), the widest first
    load: str
    store: str
    stack: str


KINDS = {
    X86: Kind(
        comment=r"\s+#.*$",
        fma=r"vfn?m(add|sub)\d+[ps][sd]|vpdp\w+|v?pmaddwd",
        arithmetic=r"v?(f\w*(add|sub)\d+|add|sub|mul|div|min|max|sqrt)[ps][sd]|v?pmul\w+|v?padd[dq]"
                   r"|vpdp\w+|v?pmaddwd",
        widths=((r"%zmm", 512), (r"%ymm", 256), (r"p[sd]\s.*%xmm|^v?p\w+\s.*%xmm", 128),
                (r"s[d]\s", 64), (r"s[s]\s", 32)),
        load=r".*\).*,\s*%[xyz]mm\d+", store=r".*%[xyz]mm\d+,.*\)(\s*\{%k\d\})?$",
        stack=r".*\(%rsp"),
    ARM: Kind(
        comment=r"\s*(//|;).*$",
        fma=r"fml[as](\.\w+)?\s|fn?m(add|sub)\s|[su]dot",
        arithmetic=r"f(ml[as]|add|sub|mul|div|min|max|minnm|maxnm|sqrt)(\.\w+)?\s|fn?m(add|sub)\s"
                   r"|[su]dot",
        widths=((r".*(v\d+)?\.(4s|2d|8h|16b)", 128), (r".*(v\d+)?\.(2s|4h|8b)", 64),
                (r"\w+\s+d\d", 64), (r"\w+\s+s\d", 32)),
        load=r"ld(n?p|u?r|\d\w*)(\.\w+)?\s+\{?\s*[qdsv]\d",
        store=r"st(n?p|u?r|\d\w*)(\.\w+)?\s+\{?\s*[qdsv]\d", stack=r".*\[sp"),
}


@dataclass(frozen=True)
class Loop:
    """The instructions of an innermost loop in their order, the label first, and their machine."""

    machine: str
    label: str
    lines: tuple[str, ...]

    @property
    def fmas(self):
        """Multiply-adds: instructions, each of as many numbers as a register holds."""
        return self.many("fma")

    @property
    def accumulators(self):
        """Sums that stay in registers: multiply-adds add to them, and nothing else writes them."""
        fmas = set(self.all("fma"))
        added = {register for line in fmas for register in written(self.machine, line)}
        other = {register for line in self.lines if line not in fmas
                 for register in written(self.machine, line)}
        return len(added - other)

    @property
    def arithmetic(self):
        """Instructions that compute with floats or bytes, the multiply-adds included."""
        return self.many("arithmetic")

    @property
    def loads(self):
        """Registers of data that are read from memory, by loads, broadcasts or operands."""
        return sum(pair(line) for line in self.all("load"))

    @property
    def stores(self):
        """Registers of data that are written to memory."""
        return sum(pair(line) for line in self.all("store"))

    @property
    def fmas_per_load(self):
        """Multiply-adds for each register that is loaded."""
        return self.fmas / self.loads if self.loads else float("inf")

    @property
    def stack(self):
        """Instructions that reach for the stack: registers that did not suffice, mostly."""
        return self.many("stack")

    @property
    def bits(self):
        """How wide the widest arithmetic is; 0 if there is none."""
        widths = KINDS[self.machine].widths
        return max((next((bits for look, bits in widths if re.search(look, line)), 0)
                    for line in self.all("arithmetic")), default=0)

    def all(self, what):
        """The lines of a kind."""
        return [line for line in self.lines if re.match(getattr(KINDS[self.machine], what), line)]

    def many(self, what):
        return len(self.all(what))


def written(machine, line):
    """The numbers of the registers of data that an instruction writes."""
    if machine == X86:
        return re.findall(r"%[xyz]mm(\d+)(?:\s*\{.*)?$", line)
    name, _, rest = line.partition(" ")
    if name.startswith("st"):
        return []
    return re.findall(r"\b[vqds](\d+)", rest.split("[" if name.startswith("ld") else ",")[0])


def pair(line):
    """How many registers a load or store names: two of ``ldp``, up to four of ``ld1``."""
    name, _, rest = line.partition(" ")
    if "{" in rest:
        return rest[:rest.index("}")].count(",") + 1
    return 2 if re.match(r"(ld|st)n?p$", name) else 1


def machine_of(assembly):
    """x86-64 if its registers are named with a percent sign, else AArch64."""
    return X86 if re.search(r"%(r|e|[xyz]mm)\w+", assembly) else ARM


def instructions(assembly, machine):
    """``(label or '', instruction or '')`` of each line that is code, without comments."""
    comment = re.compile(KINDS[machine].comment)
    for line in assembly.splitlines():
        if found := LABEL.match(line.strip()):
            yield found[1], ""
        elif (code := comment.sub("", line.strip())) and code[0].isalpha():
            name, _, rest = code.partition("\t")
            yield "", f"{name} {' '.join(rest.split())}".rstrip()


def loops(assembly):
    """The innermost loops of an assembly text, in their order."""
    machine = machine_of(assembly)
    return [Loop(machine, *parts) for parts in inner_loops(
        instructions(assembly, machine),
        lambda line: GOAL.findall(line) if JUMP.match(line) else ())]


def inner_loops(parts, goals):
    """``(label, lines)`` of the innermost loops of ``(label, line)`` parts, one of which is empty;
    ``goals`` gives the labels that a line may jump to."""
    lines, places, found = [], {}, []
    for label, line in parts:
        if label:
            places[label] = len(lines)
        else:
            lines.append(line)
            found += [(places[goal], len(lines), goal) for goal in goals(line) if goal in places]
    return [(goal, tuple(lines[start:end])) for start, end, goal in found
            if not any(holds((start, end), other) for other in found)]


def holds(span, other):
    """Whether a stretch of lines has another one inside."""
    return span[:2] != other[:2] and span[0] <= other[0] and other[1] <= span[1]


def hottest(candidates):
    """The widest loop with multiply-adds; of several the one with the most sums in registers, then
    with the most multiply-adds for each load, then with the least beside them. Where no instruction
    both multiplies and adds, the widest loop with the most arithmetic."""
    return max(candidates, default=None, key=lambda loop: (
        loop.fmas > 0, loop.bits, loop.accumulators, loop.fmas_per_load if loop.fmas else 0,
        loop.fmas / len(loop.lines), loop.arithmetic))


# ---- LLVM's IR

def ir_loops(text):
    """The innermost loops of LLVM's IR, each as its lines, block by block."""
    return [lines for function in re.split(r"^define", text, flags=re.MULTILINE)[1:]
            for _, lines in inner_loops(ir_lines(function), GOALS.findall)]


def ir_lines(function):
    """``(label or '', line or '')`` of a function's text, without comments and metadata."""
    for line in function.splitlines()[1:]:
        if label := LABEL.match(line):
            yield label[1], ""
        elif line := METADATA.sub("", line).rstrip():
            yield "", line


def ir_like(text, loop):
    """The IR of a loop of machine code: as wide, with as many multiply-adds and stores, nearly."""
    def unlike(lines):
        work = [line for line in lines if IR_PRODUCT.search(line)]
        stores = sum(line.startswith("  store ") for line in lines)
        return ir_bits(work) != loop.bits, abs(len(work) - loop.fmas) + abs(stores - loop.stores)
    return "\n".join(min(ir_loops(text), key=unlike, default=()))


def ir_bits(lines):
    """How wide the numbers or vectors in lines of IR are at most."""
    return max((int(many or 1) * IR_BITS[kind] for line in lines
                for many, kind in IR_TYPE.findall(line)), default=0)
