"""How kernels are compiled: three decorators, for what is called from where.

``part``    a piece of code that is compiled into what calls it
``native``  a routine of pointers and numbers, compiled by itself once for each dtype; callers
            hold only its name. (Numba would put a copy into each of them and optimise it again.)
``entry``   what Python calls, with arrays

Natives and entries are compiled on first use and kept on disk until their file changes, or one that
it imports from: Numba itself would look only at the file in which the function stands.
"""

import functools
import hashlib
import importlib
import inspect
import pickle
import re
from pathlib import Path

import llvmlite.binding as llvm
import numba
from numba.core import cgutils, types
from numba.extending import intrinsic

FAST = {"reassoc", "nsz", "contract"}  # sums in any order; NaN and infinity keep their meaning
INLINE = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def part(function=None, *, fastmath=FAST):
    """A piece of code that is compiled into what calls it."""
    if function is None:
        return functools.partial(part, fastmath=fastmath)
    return _plain(numba.njit(error_model="numpy", fastmath=fastmath, **INLINE)(function))


def entry(function=None, *, fastmath=FAST, parallel=False):
    """What Python calls, with arrays: kept on disk, and run without Python's lock."""
    if function is None:
        return functools.partial(entry, fastmath=fastmath, parallel=parallel)
    made = numba.njit(nogil=True, error_model="numpy", fastmath=fastmath,
                      parallel=parallel)(function)
    return _plain(_kept(made))


def native(function=None, *, fastmath=FAST):
    """A routine of pointers and numbers that callers call by its symbol's name."""
    if function is None:
        return functools.partial(native, fastmath=fastmath)
    routine = _kept(numba.njit(nogil=True, error_model="numpy", fastmath=fastmath,
                               **INLINE)(function))

    def call(typing, *args):
        kinds = tuple(map(plain, args))
        symbol = install(routine, kinds)
        result = routine.overloads[kinds].signature.return_type

        def build(context, builder, sig, values):
            kind = context.call_conv.get_function_type(result, kinds)
            target = cgutils.get_or_insert_function(builder.module, kind, symbol)
            status, out = context.call_conv.call_function(builder, target, result, kinds, values)
            with cgutils.if_unlikely(builder, status.is_error):
                context.call_conv.return_status_propagate(builder, status)
            return out
        return result(*kinds), build

    shape = inspect.signature(function)
    call.__signature__ = shape.replace(parameters=[
        inspect.Parameter("typing", inspect.Parameter.POSITIONAL_OR_KEYWORD),
        *shape.parameters.values()])
    made = intrinsic(call)
    made.routine = routine
    return made


def plain(kind):
    """A type without the value that Numba knows of it: 6 is an integer like any other."""
    kind = types.unliteral(kind)
    return types.intp if isinstance(kind, types.Integer) else kind


def _plain(made):
    """A dispatcher that is not compiled anew for every constant in a call."""
    template = made.get_call_template
    made.get_call_template = lambda args, kws: template(tuple(map(types.unliteral, args)), kws)
    return made


# ---- symbols: aisys:<module>:<function>:<types>;

INSTALLED = {}  # symbol -> compiled routine, which keeps the machine code alive
SHORT = {types.CPointer(kind): f"p{short}" for kind, short in [
    (types.float32, "f32"), (types.float64, "f64"), (types.int8, "i8"), (types.uint8, "u8"),
    (types.int16, "i16"), (types.int32, "i32"), (types.int64, "i64"), (types.uint64, "u64")]} | {
    types.intp: "n", types.boolean: "b", types.float32: "f32", types.float64: "f64"}
KINDS = {short: kind for kind, short in SHORT.items()}


def install(routine, kinds):
    """The symbol of a routine for arguments of these types, which has an address from now on."""
    home = routine.py_func.__module__.removeprefix("aisys_lab.kernels.")
    symbol = ":".join(["aisys", home, routine.__name__, *map(SHORT.get, kinds)]) + ";"
    if symbol not in INSTALLED:
        routine.compile(kinds)
        made = routine.overloads[kinds]
        llvm.add_symbol(symbol, made.library.get_pointer_to_function(made.fndesc.llvm_func_name))
        INSTALLED[symbol] = made
    return symbol


def install_named(symbol):
    """Gives a symbol that stands in kept machine code its address."""
    install(*routine_of(symbol))


def routine_of(symbol):
    """The routine that a symbol names, and the types of its arguments."""
    _, home, name, *kinds = symbol.rstrip(";").split(":")
    routine = getattr(importlib.import_module(f"aisys_lab.kernels.{home}"), name).routine
    return routine, tuple(map(KINDS.get, kinds))


# ---- the cache

IMPORT = re.compile(r"^from (aisys_lab\.kernels[\w.]*) import", re.MULTILINE)


@functools.cache
def digest(module):
    """A hash of the text of a module and of all files of this package that it imports from."""
    texts, left = {}, [module]
    while left:
        name = left.pop()
        if name not in texts:
            texts[name] = Path(importlib.import_module(name).__file__).read_text(encoding="utf-8")
            left += IMPORT.findall(texts[name])
    return hashlib.sha256("".join(texts[name] for name in sorted(texts)).encode()).hexdigest()


def _kept(made):
    """Keeps compiled code on disk; what is found there gets the symbols that it names."""
    try:
        made.enable_caching()
    except RuntimeError:  # no folder that can be written
        return made
    index = made._cache._cache_file
    index._source_stamp = (index._source_stamp, digest(made.__module__))
    load = index.load

    def load_with_symbols(key):
        data = load(key)
        for symbol in sorted(set(re.findall(rb"aisys:[\w.:]+?;", pickle.dumps(data)))):
            install_named(symbol.decode())
        return data

    index.load = load_with_symbols
    return made
