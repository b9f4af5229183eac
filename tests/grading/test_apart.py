"""The student's process: values only, a deadline, the reference out of sight."""

import json
import os
import time

import numpy as np
import pytest

from aisys_lab.exercises.declare import AnswerError, AnswerLost
from aisys_lab.grading.cell import Cell
from aisys_lab.grading.proxy import Proxy


def proxy(text, helpers=(), **options):
    return Proxy(Cell("core.answer", text, helpers), quiet=True, **options)


def test_calls_carry_values():
    with proxy("def answer(x, *, k):\n    x[0] = 9\n    return {'x': x * k, 'k': (k,)}") as answer:
        x = np.arange(3, dtype="float16")
        came = answer(x, k=2)
        assert came["x"].dtype == "float16" and came["x"].tolist() == [18, 2, 4]
        assert came["k"] == (2,) and x[0] == 0  # the judge's own array is untouched


def test_callbacks_and_their_errors():
    text = ("def answer(f, x):\n    try:\n        return f(x)\n"
            "    except ZeroDivisionError as e:\n        return str(e)")
    with proxy(text) as answer:
        assert answer(lambda x: x + 1, 2) == 3
        assert answer(lambda x: 1 / x, 0) == "division by zero"
        assert answer(lambda x: answer(lambda y: y * 2, x), 4) == 8  # a call inside a callback


def test_exceptions_come_as_values():
    with proxy("def answer(x):\n    y = x\n    return 1 / y") as answer:
        with pytest.raises(AnswerError, match="raised ZeroDivisionError at line 4 of your cell"):
            answer(0)
        assert answer(2) == 0.5  # and the answer goes on


def test_prints_and_reads_do_not_touch_the_protocol():
    text = ("import sys, os\ndef answer(x):\n    print('x' * 100000)\n"
            "    os.write(1, b'junk')\n    return sys.stdin.read() + 'end'")
    with proxy(text) as answer:
        assert answer(1) == "end"


def test_helpers_run_first():
    with proxy("def answer(x):\n    return twice(x)",
               ("# HELPER\ndef twice(x):\n    return np.add(x, x)",)) as answer:
        assert answer(2) == 4


@pytest.mark.parametrize("text", ["def answer(x):\n    while True:\n        pass",
                                  "while True:\n    pass\ndef answer(x): return 1",
                                  "import signal\ndef answer(x):\n"
                                  "    for s in (signal.SIGTERM, signal.SIGINT):\n"
                                  "        signal.signal(s, signal.SIG_IGN)\n    while True: pass"])
def test_an_endless_loop_ends_at_the_deadline(text):
    start = time.monotonic()
    with pytest.raises(AnswerLost, match="did not finish in 1 s") as lost, \
            proxy(text, seconds=1) as answer:
        answer(1)
    assert lost.value.status == "timeout" and time.monotonic() - start < 4


@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), 9)", "os.abort()"])
def test_a_process_that_ends_is_a_sentence(end):
    with pytest.raises(AnswerLost, match="ended its process in the middle") as lost, \
            proxy(f"import os\ndef answer(x):\n    {end}") as answer:
        answer(1)
    assert lost.value.status == "died"


def test_leaving_politely_is_an_error_of_the_answer():
    with proxy("import sys\ndef answer(x):\n    sys.exit(0)") as answer, \
            pytest.raises(AnswerError, match="SystemExit"):
        answer(1)


FORGED = "import os\ndef answer(x):\n    for n in range(3, 20):\n        try: os.write(n, {})\n" \
         "        except OSError: pass\n    return 1"


SHORT = json.dumps(["error", {"tuple": ["E", "m"]}, []]).encode()


@pytest.mark.parametrize("junk", ["b'\\xff' * 8", "b'\\0\\0\\0\\2[]'", "b'junk' * 10",
                                  repr(len(SHORT).to_bytes(4, "big") + SHORT)])
def test_forged_frames_lose_the_answer(junk):
    with pytest.raises((AnswerLost, AnswerError)), proxy(FORGED.format(junk), seconds=2) as answer:
        answer(1)


def test_no_process_is_left():
    with proxy("def answer(x):\n    return x") as answer:
        assert answer(3) == 3
        number = answer.process.pid
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_what_is_hidden_raises_and_the_rest_serves():
    text = ("from aisys_lab.core.timing import interval, bench\n"
            "def answer(x):\n    return interval([1.0] * 40) if x else bench(print, print)")
    with proxy(text, hides=("core.timing:bench",)) as answer:
        assert answer(1) == (1.0, 1.0)
        with pytest.raises(AnswerError, match="bench is hidden while grading"):
            answer(0)


@pytest.mark.parametrize("module", ["", ".declare", ".core", ".judge", ".keep"])
def test_the_exercises_are_out_of_reach(module):
    text = f"def answer(x):\n    import aisys_lab.exercises{module} as m\n    return m.EXERCISES"
    with proxy(text) as answer, pytest.raises(AnswerError, match="hidden|no attribute"):
        answer(1)
