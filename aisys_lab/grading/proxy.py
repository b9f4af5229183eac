"""The judge's side of the pipes: a callable that asks a child process for the student's answer."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from aisys_lab.exercises.declare import AnswerError, AnswerLost
from aisys_lab.grading.codec import Closed, ProtocolError, read_frame, whole, write_frame

ROOT = Path(__file__).parents[2]
START = ("import sys; sys.path.insert(0, {root!r}); "
         "from aisys_lab.grading.child import main; main()")


class Proxy:
    """Calls go to a fresh process that runs one cell; at the deadline the process is killed."""

    def __init__(self, cell, driver="function", hides=(), seconds=10.0, quiet=False):
        self.cell, self.seconds, self.late = cell, seconds, False
        self.process = start(hides, quiet)
        self.timer = threading.Timer(seconds, self._expire)
        self.timer.daemon = True
        self.timer.start()
        self._load({"id": cell.id, "text": cell.text, "helpers": list(cell.helpers),
                    "driver": driver})

    def _load(self, setup):
        try:
            self._exchange("load", setup, "ready")
        except BaseException:
            self.close()
            raise

    def __call__(self, *args, **kwargs):
        return self._exchange("call", [args, kwargs], "result")

    def _exchange(self, kind, value, wanted):
        callbacks = []
        try:
            write_frame(self.process.stdin, kind, value, callbacks)
            while True:
                kind, value = read_frame(self.process.stdout)
                if kind != "callback":
                    return _settle(kind, value, wanted)
                self._call_back(callbacks, value)
        except (Closed, OSError):
            raise self._lost() from None
        except ProtocolError as error:
            raise AnswerLost("protocol", f"sent what is no answer: {error}") from None

    def _call_back(self, callbacks, request):
        function, args, kwargs = _request(callbacks, request)
        try:
            reply = "result", function(*args, **kwargs)
        except Exception as error:
            reply = "error", (type(error).__name__, str(error)[:500])
        write_frame(self.process.stdin, *reply)

    def _lost(self):
        if self.late:
            return AnswerLost("timeout", f"did not finish in {self.seconds:g} s.")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(2)
        return AnswerLost("died", f"ended its process in the middle of the answer "
                                  f"(exit code {self.process.poll()}).")

    def _expire(self):
        self.late = True
        kill(self.process)

    def close(self):
        """Ends the process, whatever it does."""
        self.timer.cancel()
        kill(self.process)
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                stream.close()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


def _settle(kind, value, wanted):
    if kind == wanted:
        return value
    if kind == "error" and type(value) is tuple and list(map(type, value)) in (
            [str, str, int], [str, str, type(None)]):
        raise AnswerError(*value)
    raise ProtocolError("a message that was not asked for.")


def _request(callbacks, request):
    if type(request) is not list or len(request) != 3:
        raise ProtocolError("a callback that is none.")
    number, args, kwargs = request
    if type(args) is not tuple or type(kwargs) is not dict or any(
            type(key) is not str for key in kwargs):
        raise ProtocolError("a callback without arguments.")
    return callbacks[whole(number, len(callbacks) - 1)], args, kwargs


def start(hides, quiet):
    """A fresh Python, apart from this one's environment variables, in a group of its own."""
    command = [sys.executable, "-I", "-c", START.format(root=str(ROOT)), json.dumps(list(hides))]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL if quiet else None,
                            start_new_session=sys.platform != "win32")


def kill(process):
    """Ends a process and, where there are groups, what it started."""
    if sys.platform == "win32":
        return process.kill()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    return None
