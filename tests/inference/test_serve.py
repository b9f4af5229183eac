"""The server over real HTTP: answers, batches, refusals, ports and threads."""

import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest

import aisys_lab as lab
from aisys_lab.autodiff import numpy as anp
from aisys_lab.core import LabError
from aisys_lab.inference.server import LIMIT


@pytest.fixture(scope="module")
def session(mlp):
    return lab.Session(mlp)


@pytest.fixture(scope="module")
def server(session):
    with lab.serve(session, max_batch=8) as running:
        yield running


def predict(server, inputs):
    return httpx.post(f"{server.url}/predict", json={"inputs": np.asarray(inputs).tolist()},
                      timeout=30)


def metrics(server):
    return httpx.get(f"{server.url}/metrics").json()


# ---- answers

@pytest.mark.parametrize("count", [1, 2, 5, 8, 30])
def test_answers_are_the_sessions(server, session, digits, count):
    x = digits[1].x[:count]
    answer = predict(server, x).json()
    (want,) = session(x)
    np.testing.assert_allclose(answer["outputs"], want, rtol=1e-5, atol=1e-5)
    assert answer["classes"] == want.argmax(-1).tolist()


def test_health(server):
    assert httpx.get(f"{server.url}/health").json() == {
        "status": "ok", "model": "mlp", "input": "f32[N,64]"}


def test_a_quantised_graph_is_served(mlp, digits):
    q = lab.quantize(mlp, digits[0].x)
    with lab.serve(q) as server:
        got = predict(server, digits[1].x[:4]).json()["outputs"]
    np.testing.assert_allclose(got, lab.interpret(q, digits[1].x[:4])[0], rtol=1e-6)


def test_it_prints_itself(server):
    port = server.url.rpartition(":")[2]
    lines = repr(server).replace(port, "PORT").splitlines()
    assert lines[0] == "server http://127.0.0.1:PORT: batches of up to 8 within 2 ms"
    assert "session mlp: x f32[N,64] -> t5 f32[N,10]" in lines[1]


# ---- batching

class Gated(lab.Session):
    """A session that waits at a gate, and remembers the sizes of its runs."""

    def __post_init__(self):
        super().__post_init__()
        for name, value in (("gate", threading.Event()), ("entered", threading.Event()),
                            ("sizes", [])):
            object.__setattr__(self, name, value)
        self.gate.set()

    def __call__(self, x):
        self.entered.set()
        self.gate.wait(30)
        self.sizes.append(len(x))
        return super().__call__(x)


@pytest.fixture
def gated(mlp):
    return Gated(mlp)


def until(condition):
    """Waits for a condition that another thread will bring about."""
    for _ in range(2000):
        if condition():
            return
        threading.Event().wait(0.005)
    raise AssertionError("it never happened")


def blocked(server, gated, x, count):
    """Answers to ``count`` requests that came while the model was busy with an earlier one."""
    gated.gate.clear()
    gated.entered.clear()
    gated.sizes.clear()
    with ThreadPoolExecutor(count + 1) as pool:
        first = pool.submit(predict, server, x[:1])
        until(gated.entered.is_set)
        rest = [pool.submit(predict, server, x[k:k + 1]) for k in range(1, count + 1)]
        until(lambda: metrics(server)["requests"] == count + 1)
        gated.gate.set()
        return [future.result().json()["outputs"][0] for future in (first, *rest)]


def test_requests_that_wait_together_run_together(gated, digits):
    x = digits[1].x
    with lab.serve(gated, max_batch=8, max_wait_ms=0) as server:
        answers = blocked(server, gated, x, count=6)
        counts = metrics(server)
    assert gated.sizes == [1, 8]  # six, padded to eight
    assert counts == {"requests": 7, "refused": 0, "examples": 7, "batches": 2, "mean_batch": 3.5}
    np.testing.assert_allclose(answers, lab.interpret(gated.graph, x[:7])[0], rtol=1e-5, atol=1e-5)


def test_no_run_is_larger_than_max_batch(gated, digits):
    with lab.serve(gated, max_batch=3, max_wait_ms=0) as server:
        blocked(server, gated, digits[1].x, count=7)
        assert (gated.sizes, metrics(server)["batches"]) == ([1, 3, 3, 1], 4)


def test_one_request_may_hold_more_than_a_batch(gated, digits):
    with lab.serve(gated, max_batch=4) as server:
        got = predict(server, digits[1].x[:10]).json()["outputs"]
        assert metrics(server)["batches"] == 3
    want = lab.interpret(gated.graph, digits[1].x[:10])[0]
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def test_the_first_waits_for_company_at_an_idle_server(session, digits):
    """With a wait of a minute, a run can only start because it is full."""
    with lab.serve(session, max_batch=4, max_wait_ms=60_000) as server, \
            ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(predict, server, digits[1].x[k:k + 1]) for k in range(4)]
        assert all(future.result().status_code == 200 for future in futures)
        assert metrics(server)["batches"] == 1


def test_many_clients_each_get_their_own(server, session, digits):
    x = digits[1].x
    want = session(x)[0].argmax(-1)
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda k: predict(server, x[k:k + 1]).json()["classes"][0], range(64)))
    assert got == want[:64].tolist()


# ---- refusals

def post(server, content):
    return httpx.post(f"{server.url}/predict", content=content, timeout=30)


ROW = [0.0] * 64
BAD = {
    "empty": b"", "not JSON": b"{inputs", "not UTF-8": b"\xff\xfe\x00", "a list": b"[1, 2]",
    "a number": b"7", "no inputs": b'{"input": [[1]]}', "no examples": b'{"inputs": []}',
    "null": b'{"inputs": null}', "one example, flat": json.dumps({"inputs": ROW}),
    "63 features": json.dumps({"inputs": [ROW[:63]]}),
    "ragged": json.dumps({"inputs": [ROW, ROW[:9]]}),
    "words": json.dumps({"inputs": [["a"] * 64]}),
    "numbers as words": json.dumps({"inputs": [["1"] * 64]}),
    "NaN as a word": json.dumps({"inputs": [["NaN", *ROW[1:]]]}),
    "NaN": json.dumps({"inputs": [[float("nan"), *ROW[1:]]]}),
    "infinity": json.dumps({"inputs": [[float("-inf"), *ROW[1:]]]}),
    "too large for f32": json.dumps({"inputs": [[1e39, *ROW[1:]]]}),
    "too large for f64": b'{"inputs": [[' + b"1e999," * 63 + b"0]]}",
    "an endless number": b'{"inputs": [[' + b"9" * 9999 + b"]]}",
    "truths": json.dumps({"inputs": [[True] * 64]}), "nulls": json.dumps({"inputs": [[None] * 64]}),
    "an object": json.dumps({"inputs": {"x": ROW}}), "deep": b'{"inputs": ' + b"[" * 100_000,
    "deep and closed": b'{"inputs": ' + b"[" * 500 + b"]" * 500 + b"}",
}


@pytest.mark.parametrize("name", BAD)
def test_malformed_requests_get_a_sentence_and_the_server_lives(server, digits, name):
    answer = post(server, BAD[name])
    assert answer.status_code in (400, 422)
    assert answer.json()["error"].endswith(".")
    assert predict(server, digits[1].x[:1]).status_code == 200


def test_the_sentence_names_the_shape(server):
    answer = post(server, BAD["63 features"])
    assert "numbers of shape [N,64], got shape [1, 63]." in answer.json()["error"]


def test_a_huge_body_is_refused(server):
    answer = post(server, b'{"inputs": [[' + b"1," * LIMIT)
    assert (answer.status_code, metrics(server)["refused"] > 0) == (413, True)


def test_a_huge_body_without_a_length_is_refused(server):
    answer = httpx.post(f"{server.url}/predict", content=(b"1" * 65536 for _ in range(99)))
    assert answer.status_code == 413


def test_other_paths_and_methods(server):
    assert httpx.get(f"{server.url}/predict").status_code == 405
    answer = httpx.get(f"{server.url}/nowhere")
    assert (answer.status_code, "POST /predict" in answer.json()["error"]) == (404, True)


def test_a_failing_model_answers_and_lives(gated, digits):
    with lab.serve(gated) as server:
        object.__setattr__(gated, "run", lambda x: 1 / 0)
        answer = predict(server, digits[1].x[:2])
        assert answer.status_code == 500
        assert "the model failed: ZeroDivisionError" in answer.json()["error"]
        assert httpx.get(f"{server.url}/health").status_code == 200


def test_outputs_that_overflow_are_a_sentence():
    graph = lab.trace(anp.exp, lab.Spec(("N", 2), np.float32))
    with lab.serve(lab.Session(graph)) as server:
        answer = predict(server, [[1.0, 1000.0]])
        assert (answer.status_code, "infinite" in answer.json()["error"]) == (422, True)
        assert predict(server, [[0.0, 0.0]]).json()["outputs"] == [[1.0, 1.0]]


# ---- life and death

def test_close_frees_port_and_thread(session, digits):
    before = threading.active_count()
    server = lab.serve(session)
    port = int(server.url.rpartition(":")[2])
    predict(server, digits[1].x[:1])
    server.close()
    server.close()
    until(lambda: threading.active_count() <= before)
    assert "(closed)" in repr(server)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.url}/health")
    with lab.serve(session, port=port) as again:
        assert again.url == server.url


def test_two_servers_at_once(server, session, digits):
    with lab.serve(session) as second:
        assert second.url != server.url
        assert (predict(second, digits[1].x[:3]).json()["classes"]
                == predict(server, digits[1].x[:3]).json()["classes"])


def test_inside_a_running_event_loop(session, digits):
    """As in Jupyter, where a loop already runs in the main thread."""
    import asyncio

    async def cell():
        with lab.serve(session) as server:
            async with httpx.AsyncClient() as client:
                body = {"inputs": digits[1].x[:2].tolist()}
                return (await client.post(f"{server.url}/predict", json=body)).status_code
    assert asyncio.run(cell()) == 200


def test_a_busy_port_is_a_sentence(session):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(LabError, match=r"port \d+ cannot be used .*; port=0 takes a free one"):
            lab.serve(session, port=taken.getsockname()[1])


@pytest.mark.parametrize(("options", "words"), [
    ({"port": 70000}, "port 70000 cannot be used"), ({"port": "http"}, "cannot be used"),
    ({"max_batch": 0}, "max_batch=0"), ({"max_batch": 2.5}, "max_batch=2.5"),
    ({"max_wait_ms": -1}, "max_wait_ms=-1"), ({"max_wait_ms": float("nan")}, "max_wait_ms=nan"),
    ({"max_wait_ms": "2"}, "max_wait_ms='2'")])
def test_bad_options(session, options, words):
    with pytest.raises(LabError, match=words):
        lab.serve(session, **options)


F = np.float32


@pytest.mark.parametrize(("f", "specs", "words"), [
    (anp.exp, [lab.Spec((4, 2), F)], r"one open axis, the first"),
    (anp.add, [lab.Spec(("N", 2), F)] * 2, "should take one input"),
    (lambda x: anp.sum(x, 0), [lab.Spec(("N", 2), F)], "one open axis"),
    (lambda x: anp.exp(x - anp.max(x, 0, keepdims=True)), [lab.Spec(("N", 2), F)],
     "depends on the other examples")])
def test_graphs_that_cannot_be_batched(f, specs, words):
    with pytest.raises(LabError, match=words):
        lab.serve(lab.trace(f, *specs))
