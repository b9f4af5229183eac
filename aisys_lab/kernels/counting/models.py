"""Modules of kernels of which a counted run has its own version: what they say of this machine,
how they compile, how many threads they take. The methods of a model stand for a module's names;
unless it is ``whole``, the other names are those of the module itself.
"""


class Model:
    """What all have: the world of a run."""

    whole = True

    def __init__(self, world):
        self.world = world


class Chosen(Model):
    """``isa.py``: the instruction set that was asked for, whatever this machine has."""

    def host(self):
        return self.world.isa


class Decorators(Model):
    """``jit.py``: Python runs the functions as they are."""

    def part(self, function=None, **options):
        if function is None:
            return self.part
        function.py_func, function.routine = function, function
        return function

    entry = native = part


class OneThread(Model):
    """``threads.py``: one."""

    def threads(self, work):
        return 1


class Ladders(Model):
    """``ladders.py``: the rungs of this run, in a table of their own."""

    def __init__(self, world):
        super().__init__(world)
        self.KERNELS = {}

    def ladder(self, op, **rungs):
        self.KERNELS[op] = {name.replace("_", "-"): rung for name, rung in rungs.items()}
        return self.KERNELS[op]


class Texts(Model):
    """``chain_text.py``: the text of a chain of functions becomes a module of this run."""

    whole = False

    def module_of(self, text):
        return self.world.made(text)


MODELS = {"isa": Chosen, "jit": Decorators, "threads": OneThread, "ladders": Ladders,
          "chain_text": Texts}


def names_of(model):
    """What a model offers, by name."""
    names = (name for name in dir(model) if not name.startswith("_"))
    return {name: getattr(model, name) for name in names
            if name.isupper() or callable(getattr(model, name))}
