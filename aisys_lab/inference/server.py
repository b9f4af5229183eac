"""An inference server: a graph behind HTTP, with dynamic batching, in a thread of its own."""

import asyncio
import json
import os
import socket
import threading
from contextlib import asynccontextmanager

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Route

from aisys_lab.core import LabError, whole
from aisys_lab.inference.batching import Batcher
from aisys_lab.inference.session import Session

LIMIT = 2**20  # bytes of a request
HOST = "127.0.0.1"  # this machine only


def serve(model, max_batch=8, max_wait_ms=2, port=0):
    """Serves a graph, model or Session over HTTP; port 0 takes a free one. Returns the Server.

    POST /predict {"inputs": [[…], …]} answers {"outputs": [[…], …], "classes": […]};
    GET /health and GET /metrics tell how it is. The graph takes one input and gives one output,
    both with an open first axis, and its examples must not depend on each other.
    """
    max_batch = whole("serve", "max_batch", max_batch, 1)
    if not isinstance(max_wait_ms, int | float) or not 0 <= max_wait_ms < 1e6:
        raise LabError(f"serve: max_wait_ms={max_wait_ms!r}; it is a time of 0 ms or more.")
    session = servable(model if isinstance(model, Session) else Session(model))
    return Server(session, max_batch, max_wait_ms / 1e3, bind_port(port))


def servable(session):
    """The session itself, if examples can be joined into one run and told apart again."""
    graph = session.graph
    specs = [graph.specs[name] for name in (*graph.inputs, *graph.outputs)]
    first = specs[0].shape[:1] if specs else ()
    opened = [[n for n in spec.shape if isinstance(n, str)] for spec in specs]
    if len(specs) != 2 or any(names != list(first) for names in opened):
        raise LabError(f"serve: {graph.name} should take one input and give one output, both with "
                       f"one open axis, the first, as in f32[N,64]; it has "
                       f"{', '.join(map(str, specs))}.")
    _probe(session, specs[0])
    return session


def _probe(session, spec):
    """Two examples together must give what each gives alone."""
    both = np.random.default_rng(0).uniform(0, 2, (2, *spec.shape[1:])).astype(spec.dtype)
    joined, *alone = (session(x)[0] for x in (both, both[:1], both[1:]))
    if not np.allclose(joined, np.concatenate(alone), rtol=1e-3, atol=1e-3, equal_nan=True):
        raise LabError(f"serve: an output of {session.graph.name} depends on the other examples "
                       f"of its batch, so requests cannot share a run.")


def bind_port(port):
    """A listening socket on this machine."""
    listener = socket.socket()
    if os.name == "posix":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(128)
        return listener
    except (OSError, OverflowError, TypeError) as error:
        listener.close()
        raise LabError(f"serve: port {port!r} cannot be used ({error}); port=0 takes a free "
                       f"one.") from None


class Server:
    """A running server; ``url`` is where, ``close()`` (or the end of ``with``) stops it."""

    def __init__(self, session, max_batch, max_wait, listener):
        self.session, self.max_batch, self.max_wait = session, max_batch, max_wait
        self.url = f"http://{HOST}:{listener.getsockname()[1]}"
        self.service = Service(session, max_batch, max_wait)
        config = uvicorn.Config(self.service.app, log_config=None, log_level="error", ws="none",
                                access_log=False, lifespan="on", timeout_graceful_shutdown=2)
        self._uvicorn = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._uvicorn.run, args=([listener],), daemon=True,
                                        name=f"aisys_lab serve {self.url}")
        self._thread.start()
        if not self.service.ready.wait(30):
            raise LabError(f"serve: the server at {self.url} did not start within 30 s.")

    def close(self):
        """Stops taking requests, lets those under way finish for two seconds, frees the port."""
        self._uvicorn.should_exit = True
        self._thread.join(10)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def __repr__(self):
        state = "" if self._thread.is_alive() else " (closed)"
        return (f"server {self.url}{state}: batches of up to {self.max_batch} within "
                f"{self.max_wait * 1e3:g} ms\n  {self.session}")


# ---- the application

class Refusal(LabError):
    """A request that cannot be answered, and the HTTP status that says so."""

    def __init__(self, status, sentence):
        super().__init__(sentence)
        self.status = status


class Service:
    """The routes, over one batcher; an ASGI application is in ``app``."""

    def __init__(self, session, max_batch, max_wait):
        self.graph, self.ready = session.graph, threading.Event()
        self.spec = self.graph.specs[self.graph.inputs[0]]
        self.batcher = Batcher(padded(session, max_batch), max_batch, max_wait)
        self.requests = self.refused = 0
        routes = [Route("/predict", self.predict, methods=["POST"]),
                  Route("/health", self.health), Route("/metrics", self.metrics)]
        self.app = Starlette(routes=routes, lifespan=self.lifespan, exception_handlers={
            LabError: self.explain, HTTPException: self.explain})

    @asynccontextmanager
    async def lifespan(self, app):
        """The batcher works as long as the server lives."""
        work = asyncio.create_task(self.batcher.work())
        self.ready.set()
        yield
        work.cancel()

    async def predict(self, request):
        try:
            examples = read_examples(await read_body(request), self.spec)
        except Refusal:
            self.refused += 1
            raise
        self.requests += 1
        outputs = np.stack(await asyncio.gather(*map(self.batcher.submit, examples)))
        if not np.isfinite(outputs).all():
            raise Refusal(422, "these inputs give outputs that are infinite or undefined.")
        classes = {"classes": outputs.argmax(-1).tolist()} if outputs.ndim == 2 else {}
        return JSONResponse({"outputs": outputs.tolist()} | classes)

    async def health(self, request):
        return JSONResponse({"status": "ok", "model": self.graph.name, "input": str(self.spec)})

    async def metrics(self, request):
        batches, examples = self.batcher.batches, self.batcher.examples
        return JSONResponse({"requests": self.requests, "refused": self.refused,
                             "examples": examples, "batches": batches,
                             "mean_batch": examples / batches if batches else 0.0})

    async def explain(self, request, error):
        """Every error is JSON with a sentence; the server lives on."""
        status = getattr(error, "status", getattr(error, "status_code", 500))
        sentence = str(error) if isinstance(error, LabError) else (
            f"{error.detail}: there are POST /predict, GET /health and GET /metrics.")
        return JSONResponse({"error": sentence}, status, headers=getattr(error, "headers", None))


def padded(session, max_batch):
    """Runs a batch at the next power of two, so that few sizes are ever compiled."""
    def run(examples):
        count = len(examples)
        size = min(1 << (count - 1).bit_length(), max_batch)
        rows = np.concatenate([examples, np.repeat(examples[:1], size - count, axis=0)])
        return session(rows)[0][:count]
    return run


async def read_body(request):
    """The bytes of a request, refused as soon as they are too many."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LIMIT:
            raise Refusal(413, f"a request may have {LIMIT} bytes; send fewer examples at once.")
    return bytes(body)


def read_examples(body, spec):
    """The array of a request, of the dtype and shape that the graph takes."""
    wanted = f'{{"inputs": […]}} with numbers of shape [{",".join(map(str, spec.shape))}]'
    try:
        inputs = json.loads(body, parse_constant=_no_constant)["inputs"]
        array = np.asarray(inputs)
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Refusal(400, f"the request should be JSON, {wanted}.") from None
    kinds = "iuf" if spec.dtype.kind == "f" else "b" if spec.dtype.kind == "b" else "iu"
    if array.shape[1:] != spec.shape[1:] or array.ndim == 0 or len(array) == 0:
        raise Refusal(422, f"the request should be {wanted}, got shape {list(array.shape)}.")
    if array.dtype.kind not in kinds:
        raise Refusal(422, f"the request should be {wanted} that fit {spec}.")
    with np.errstate(over="ignore"):
        cast = array.astype(spec.dtype)
    if not np.isfinite(cast).all() or (spec.dtype.kind in "iu" and (cast != array).any()):
        raise Refusal(422, f"a number of the request does not fit {spec}.")
    return cast


def _no_constant(word):
    raise ValueError(f"{word} is no JSON")
