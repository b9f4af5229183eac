"""What lab IV.5 asks of attention: one pass over blocks of keys, and no matrix of all scores."""

import numpy as np

from aisys_lab.exercises.compare import alike
from aisys_lab.exercises.declare import Case, brief, edits, exercise

RELATIVE = '''
def online_softmax_attention(q, k, v, state, start, causal):
    scores = q @ k.T / np.sqrt(q.shape[1])
    if causal:
        keys = start + np.arange(len(k))
        scores = np.where(keys[None, :] <= np.arange(len(q))[:, None], scores, -np.inf)
    if state is None:
        state = np.full(len(q), -np.inf), np.zeros(len(q)), np.zeros((len(q), v.shape[1]))
    top, total, mixed = state
    new = np.maximum(top, scores.max(axis=1))
    keep = np.exp(top - new)
    weights = np.exp(scores - new[:, None])
    total = total * keep + weights.sum(axis=1)
    mixed = mixed * keep[:, None] + weights @ v
    return mixed / total[:, None], (new, total, mixed)
'''
LOGARITHMS = '''
def online_softmax_attention(q, k, v, state, start, causal):
    """The state is the result so far and the logarithm of its sum of exponentials."""
    out = np.empty((len(q), v.shape[1]))
    size = np.empty(len(q))
    for i in range(len(q)):
        seen = max(0, min(len(k), i + 1 - start)) if causal else len(k)
        scores = k[:seen] @ q[i] / q.shape[1] ** 0.5
        before, lse = (state[0][i], state[1][i]) if state else (np.zeros(v.shape[1]), -np.inf)
        top = max(scores.max(initial=-np.inf), lse)
        weights = np.exp(scores - top)
        old = np.exp(lse - top)
        sum_ = old + weights.sum()
        out[i] = (old * before + weights @ v[:seen]) / sum_
        size[i] = top + np.log(sum_)
    return out, [out, size]
'''
ONE_KEY = '''
def online_softmax_attention(q, k, v, state, start, causal):
    """Key after key; one array holds all of the state."""
    if state is None:
        state = np.zeros((len(q), v.shape[1] + 2))
        state[:, 0] = -1e300
    for j in range(len(k)):
        sees = np.arange(len(q)) >= start + j if causal else np.ones(len(q), bool)
        score = np.where(sees, (q * k[j]).sum(1) / np.sqrt(k.shape[1]), -np.inf)
        top = np.maximum(state[:, 0], score)
        weight, scale = np.exp(score - top), np.exp(state[:, 0] - top)
        state = np.c_[top, state[:, 1] * scale + weight,
                      state[:, 2:] * scale[:, None] + weight[:, None] * v[j]]
    return state[:, 2:] / state[:, 1:2], state
'''
WRONG = edits(RELATIVE, {
    "does not rescale": ("keep = np.exp(top - new)", "keep = np.ones(len(q))"),
    "rescales the sum only": ("mixed * keep[:, None]", "mixed"),
    "rescales the values only": ("total * keep", "total"),
    "rescales the other way": ("np.exp(top - new)", "np.exp(np.maximum(new - top, -99))"),
    "the largest score begins at zero": ("np.full(len(q), -np.inf)", "np.zeros(len(q))"),
    "no largest score": ("new = np.maximum(top, scores.max(axis=1))", "new = np.zeros(len(q))",
                         "keep = np.exp(top - new)", "keep = np.ones(len(q))"),
    "the largest score of the block alone": ("np.maximum(top, scores.max(axis=1))",
                                             "scores.max(axis=1)"),
    "one largest score for all queries": (
        "np.maximum(top, scores.max(axis=1))",
        "np.full(len(q), max(top.max(), scores.max()))"),
    "forgets the root of the size": (" / np.sqrt(q.shape[1])", ""),
    "a query does not see its own key": ("<= np.arange(len(q))", "< np.arange(len(q))"),
    "the mask begins anew in every block": ("keys = start + np.arange", "keys = np.arange"),
    "no mask": ("if causal:", "if False:"),
    "masks by zero instead of minus infinity": ("scores, -np.inf)", "scores, 0.0)"),
    "leaves the masked keys in the sum": (
        "total = total * keep + weights.sum(axis=1)",
        "total = total * keep + np.where(weights == 0, 0.01, weights).sum(axis=1)"),
    "keeps the normalised result": ("(new, total, mixed)\n",
                                    "(new, total, mixed / total[:, None])\n"),
    "always begins anew": ("if state is None:", "if True:"),
    "keeps all keys and values": (
        "def online_softmax_attention(q, k, v, state, start, causal):\n",
        "def online_softmax_attention(q, k, v, state, start, causal):\n"
        "    if state is not None:\n"
        "        k, v = np.concatenate([state[0], k]), np.concatenate([state[1], v])\n"
        "    seen, state, start = (k, v), None, 0\n",
        "(new, total, mixed)\n", "seen\n"),
    "keeps all scores": ("(new, total, mixed)\n", "(new, total, mixed, [*seen, scores])\n",
                         "top, total, mixed = state", "top, total, mixed, *seen = state"),
}) | {"keeps the keys beside the state": '''
SEEN = []

def online_softmax_attention(q, k, v, state, start, causal):
    if state is None:
        SEEN.clear()
    SEEN.append((k, v))
    k, v = (np.concatenate(part) for part in zip(*SEEN))
    scores = q @ k.T / np.sqrt(q.shape[1])
    if causal:
        scores = np.where(np.arange(len(k)) <= np.arange(len(q))[:, None], scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights @ v / weights.sum(axis=1, keepdims=True), 1
'''}


@exercise("kernels.online_softmax_attention", code="IV.5-E", points=10, driver="quiet",
          mutants=WRONG, different={"sums relative to the largest": RELATIVE,
                                    "a result and a logarithm": LOGARITHMS,
                                    "key after key": ONE_KEY},
          hides=("kernels.lessons.online:online_softmax_attention",
                 "kernels.lessons.online:attention"))
def online_softmax_attention(answer, rng):
    """online_softmax_attention(q, k, v, state, start, causal) takes one block of keys k[B,D] and
    values v[B,E] and gives (out, state). out[T,E] is the attention of the queries q[T,D] over all
    keys so far: softmax(q k^T / sqrt(D)) v. state is what you need for the next block, arrays or
    numbers in a tuple or list: None before the first block, then what you gave last. start is the
    number of keys before this block; blocks come in order, and differ in size. With causal, query i
    sees keys 0 to i only. Scores may be as large as 10,000 or as small as -10,000. The state is
    weighed: T·(E + 2) doubles, however many keys there were, and it is all that the next call may
    know: the judge also goes back to an older state, and on with other keys."""
    for causal in (False, True):
        for scale, level in ((1.0, 0.0), (900.0, 0.0), (2.0, -9000.0), (2.0, 9000.0),
                             (2.0, np.linspace(-9000.0, 9000.0, 9))):
            q, k, v = problem(rng, scale, level)
            for case in streamed(answer, rng, q, k, v, causal):
                yield case
                if not case.ok:
                    return
    for causal in (False, True):
        yield from _two_ways(answer, rng, causal)


def problem(rng, scale, level, queries=9, keys=23, size=6, width=5):
    """Queries, keys, values: scores of that scale around a level, one number or one a query."""
    q, k = rng.standard_normal((queries, size)), scale * rng.standard_normal((keys, size))
    q[:, 0], k[:, 0] = level, size**0.5
    return q, k, rng.standard_normal((keys, width))


def attended(q, k, v, causal):
    """The definition, query by query."""
    out = np.zeros((len(q), v.shape[1]))
    for i, query in enumerate(q):
        seen = slice(0, i + 1 if causal else None)
        scores = k[seen] @ query / np.sqrt(len(query))
        weights = np.exp(scores - scores.max())
        out[i] = weights @ v[seen] / weights.sum()
    return out


def cut(rng, keys):
    """Blocks ``(start, stop)`` of several sizes."""
    marks = sorted({0, keys, *map(int, rng.integers(1, keys, 4))})
    return list(zip(marks, marks[1:], strict=False))


def streamed(answer, rng, q, k, v, causal):
    """The cases of a run: the result after every block, and what the state weighs."""
    state, words = None, "causal, " if causal else ""
    for start, stop in cut(rng, len(k)):
        came = answer(q, k[start:stop], v[start:stop], state, start, causal)
        given = (f"online_softmax_attention of q{list(q.shape)}, {words}keys {start} to "
                 f"{stop - 1}, scores up to {np.abs(q @ k.T).max() / q.shape[1]**0.5:.3g}")
        if not isinstance(came, tuple | list) or len(came) != 2:
            yield Case(False, f"{given}: expected (out, state), came {brief(came)}")
            return
        out, state = came
        yield alike(given, attended(q, k[:stop], v[:stop], causal), out, 1e-9)
        most = 8 * len(q) * (v.shape[1] + 2)
        yield Case(weight(state) <= most, f"{given}: expected a state of at most {most} bytes, "
                                          f"came {weight(state)}")


def weight(state):
    """Bytes of a state: of its arrays, and eight a number, or as many as a large one takes."""
    if isinstance(state, np.ndarray | np.generic):
        return state.nbytes
    if isinstance(state, dict):
        return sum(map(weight, (*state, *state.values())))
    if isinstance(state, tuple | list | set):
        return sum(map(weight, state))
    if isinstance(state, str | bytes):
        return len(state)
    return max(8, state.bit_length() // 8) if isinstance(state, int) else 8


def _two_ways(answer, rng, causal):
    """From one state on with two continuations, in turns: nothing but the state may matter."""
    q, k, v = problem(rng, 3.0, 0.0)
    other_k, other_v = k.copy(), v.copy()
    other_k[8:], other_v[8:] = problem(rng, 3.0, 0.0)[1][8:], v[8:][::-1]
    _, first = answer(q, k[:8], v[:8], None, 0, causal)
    states = {True: first, False: first}
    for start, stop in ((8, 15), (15, 23)):
        for own in (True, False):
            keys, values = (k, v) if own else (other_k, other_v)
            out, states[own] = answer(q, keys[start:stop], values[start:stop], states[own], start,
                                      causal)
            want = attended(q, keys[:stop], values[:stop], causal)
            yield alike(f"online_softmax_attention of keys 0 to 7, then in turns two ways on to "
                        f"key {stop - 1}", want, out, 1e-9)
