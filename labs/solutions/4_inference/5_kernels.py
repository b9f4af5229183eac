"""Solutions of lab 4.5: a function for each exercise, named as its slot."""

from fractions import Fraction

import numpy as np

import aisys_lab as lab


def im2col(x, kernel, stride, padding, dilation):
    (kh, kw), (sh, sw), (ph, pw), (dh, dw) = kernel, stride, padding, dilation
    n, c, h, w = x.shape
    oh = (h + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    ow = (w + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    padded = np.zeros((n, c, h + 2 * ph, w + 2 * pw), x.dtype)
    padded[:, :, ph:ph + h, pw:pw + w] = x
    columns = np.empty((n, c, kh, kw, oh, ow), x.dtype)
    for i in range(kh):
        for j in range(kw):
            seen = padded[:, :, i * dh:, j * dw:]
            columns[:, :, i, j] = seen[:, :, :oh * sh:sh, :ow * sw:sw]
    return columns.reshape(n, c * kh * kw, oh * ow)


def conv_gemm(x, w, stride, padding, dilation, groups):
    (sh, _), (ph, _), (dh, _) = stride, padding, dilation
    o, each, kh, kw = w.shape
    columns = lab.kernels.im2col(x, (kh, kw), stride, padding, dilation)
    columns = columns.reshape(len(x), groups, each * kh * kw, -1)
    out = w.reshape(groups, o // groups, -1) @ columns
    oh = (x.shape[2] + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    return out.reshape(len(x), o, oh, -1)


def winograd_matrices(m, r):
    points = [Fraction(p) for p in ("0", "1", "-1", "2", "-2", "1/2", "-1/2", "3", "-3")]
    points = points[:m + r - 2]

    def polynomial(roots):
        out = [Fraction(1)]
        for root in roots:
            out = [low - root * high for low, high in zip([0, *out], [*out, 0], strict=True)]
        return out

    at = [[p**i for p in points] + [int(i == m - 1)] for i in range(m)]
    g, bt = [], []
    for p in points:
        others = [q for q in points if q != p]
        scale = sum(c * p**i for i, c in enumerate(polynomial(others)))
        g.append([p**j / scale for j in range(r)])
        bt.append([*polynomial(others), 0])
    return at, [*g, [0] * (r - 1) + [1]], [*bt, polynomial(points)]


def winograd(x, w, m):
    r = w.shape[3]
    at, g, bt = (np.array(matrix, x.dtype) for matrix in lab.kernels.winograd_matrices(m, r))
    h, wide = (size - r + 1 for size in x.shape[2:])
    x = np.pad(x, ((0, 0), (0, 0), (0, -h % m), (0, -wide % m)))
    out = np.zeros((len(x), len(w), h + -h % m, wide + -wide % m), x.dtype)
    weights = g @ w @ g.T
    for i in range(0, h, m):
        for j in range(0, wide, m):
            data = bt @ x[:, :, i:i + m + r - 1, j:j + m + r - 1] @ bt.T
            summed = (weights * data[:, None]).sum(axis=2)
            out[:, :, i:i + m, j:j + m] = at @ summed @ at.T
    return out[:, :, :h, :wide]


def pack_nc4hw4(x):
    n, c, h, w = x.shape
    packed = np.zeros((n, (c + 3) // 4, h, w, 4), x.dtype)
    for k in range(c):
        packed[:, k // 4, :, :, k % 4] = x[:, k]
    return packed


def indirect_table(sizes, kernel, stride, padding, dilation):
    (high, wide), (kh, kw) = sizes, kernel
    oh = (high + 2 * padding[0] - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    ow = (wide + 2 * padding[1] - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    table = np.full((oh * ow, kh * kw), high * wide)
    for a, b, i, j in np.ndindex(oh, ow, kh, kw):
        h = a * stride[0] - padding[0] + i * dilation[0]
        w = b * stride[1] - padding[1] + j * dilation[1]
        if 0 <= h < high and 0 <= w < wide:
            table[a * ow + b, i * kw + j] = h * wide + w
    return table


def indirect_conv(x, zero, table, w):
    out = np.empty((table.shape[0], w.shape[0]), x.dtype)
    for p in range(table.shape[0]):
        for o in range(w.shape[0]):
            total = 0.0
            for t in range(w.shape[1]):
                row = table[p, t]
                for c in range(w.shape[2]):
                    total += (x[row, c] if row < x.shape[0] else zero[c]) * w[o, t, c]
            out[p, o] = total
    return out


def panels(x):
    packed = np.zeros(((x.shape[1] + 3) // 4, x.shape[0], 4), x.dtype)
    for p in range(packed.shape[0]):
        for k in range(x.shape[0]):
            for j in range(min(4, x.shape[1] - 4 * p)):
                packed[p, k, j] = x[k, 4 * p + j]
    return packed


def plus(row, x, y):
    return row[0] + x * y[0], row[1] + x * y[1], row[2] + x * y[2], row[3] + x * y[3]


def product(left, right):
    zero = left.dtype.type(0)
    row = zero, zero, zero, zero
    r0, r1, r2, r3 = row, row, row, row
    for k in range(left.shape[0]):
        y = right[k, 0], right[k, 1], right[k, 2], right[k, 3]
        r0, r1 = plus(r0, left[k, 0], y), plus(r1, left[k, 1], y)
        r2, r3 = plus(r2, left[k, 2], y), plus(r3, left[k, 3], y)
    return r0, r1, r2, r3


def microkernel(a, b, out):
    m, n = out.shape
    left, right = panels(a.T), panels(b)
    for j in range(0, n, 4):
        for i in range(0, m, 4):
            block = product(left[i // 4], right[j // 4])
            for r in range(min(4, m - i)):
                for s in range(min(4, n - j)):
                    out[i + r, j + s] = block[r][s]


def online_softmax_attention(q, k, v, state, start, causal):
    scores = q @ k.T / q.shape[1]**0.5
    if causal:
        keys, queries = start + np.arange(len(k)), np.arange(len(q))
        scores = np.where(keys <= queries[:, None], scores, -np.inf)
    if state is None:
        state = np.full((len(q), 1), -np.inf), 0.0, 0.0
    top, total, mixed = state
    new = np.maximum(top, scores.max(axis=1, keepdims=True))
    kept, weights = np.exp(top - new), np.exp(scores - new)
    total = total * kept + weights.sum(axis=1, keepdims=True)
    mixed = mixed * kept + weights @ v
    return mixed / total, (new, total, mixed)
