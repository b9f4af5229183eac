"""The dispatcher in small: order, falling through, rest, threads."""

import threading

import pytest

import aisys_lab as lab
from aisys_lab.autodiff.lessons.dispatch import FALL, Registry, Value, arithmetic

X = Value(1.5, frozenset({"autograd", "backend"}), 1.0)
Y = Value(2.2, frozenset({"quantized", "backend"}))


def test_kernels_hand_on_from_the_highest_key_to_the_lowest():
    call, written = arithmetic()
    assert repr(call("mul", X, Y)) == "3, slope 2.2 (autograd, backend, quantized)"
    assert written == []
    with call.within("tracing"):
        call("mul", X, X)
    assert written == ["mul(1.5, 1.5)"]
    assert repr(call("neg", X)) == "-1.5 (autograd, backend)"


def test_text_of_a_registry(golden):
    golden("dispatch", repr(arithmetic()[0]))


def ordered(**kernels):
    """A registry of keys a, b, c, whose op 'op' has those kernels."""
    registry = Registry(("a", "b", "c"))
    for key, kernel in kernels.items():
        registry.kernels["op", key] = kernel
    return registry


ALL = Value(1.0, frozenset("abc"))


def test_a_fallback_serves_all_ops_without_a_kernel_of_their_own():
    call = ordered(a=FALL, c=lambda x: "own")
    call.kernels["*", "b"] = lambda x: ["every", call("op", x)]
    call.kernels["*", "c"] = lambda x: "fallback"
    assert call("op", ALL) == ["every", "own"]
    assert call("other", Value(1.0, frozenset("c"))) == "fallback"


def test_an_error_leaves_no_key_at_rest():
    call = ordered(a=lambda x: 1 / 0, b=lambda x: "b")
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            call("op", ALL)


def test_a_key_at_rest_rests_for_other_ops_too_and_in_this_thread_only():
    call, seen = ordered(), []
    call.kernels["*", "c"] = lambda x: "c"
    call.kernels["*", "b"] = lambda x: "b"

    @call.kernel("op", "a")
    def first(x):
        thread = threading.Thread(target=lambda: seen.append(call("other", x)))
        seen.append(call("other", x))
        if not threading.current_thread().name.startswith("inner"):
            thread.name = "inner"
            thread.start()
            thread.join()
        return call("op", x)

    call.kernels["other", "a"] = lambda x: "a"
    assert call("op", ALL) == "b" and seen == ["b", "a"]


def test_added_keys_are_the_threads_own():
    call, seen = ordered(a=lambda: "a"), []
    with call.within("a"):
        thread = threading.Thread(target=lambda: seen.append(says(lambda: call("op"))))
        thread.start()
        thread.join()
        assert call("op") == "a"
    assert "no active key of 'op' has a kernel; active are: none" in seen[0]


def says(work):
    with pytest.raises(lab.LabError) as error:
        work()
    return str(error.value)


def test_a_missing_kernel_is_a_sentence():
    call = ordered(c=lambda x: 1)
    assert says(lambda: call("op", ALL)) == "dispatch: no kernel of 'op' for the key 'a'."
    assert says(lambda: ordered(a=FALL)("op", Value(1.0, frozenset("a")))).endswith(
        "active are: a.")
