"""Functions of a vector, made of additions, multiplications and shifts: no library, no table.

The polynomials are best approximations, by tools/minimax.py. Arguments may be denormal, infinite or
NaN; results that are too small become denormal, then zero, too large ones infinite, as rounding
has it. Nothing here is re-associated: ``exact`` pieces compute what stands in them.
"""

import functools
import math

from aisys_lab.kernels.bits import (
    absolute,
    constant,
    nearest,
    nearest_power,
    polynomial,
    split,
    with_sign,
)
from aisys_lab.kernels.jit import part
from aisys_lab.kernels.vector import fma, maximum, minimum, scale_by_power, where_less

LOG2_E = 1 / math.log(2)
ROOT_HALF = math.sqrt(0.5)
DENSITY = 1 / math.sqrt(2 * math.pi)  # of the normal distribution at 0
exact = functools.partial(part, fastmath=False)

# -log(2) in two parts, of which whole multiples of the first are exact (Cody and Waite 1980)
minus_log2_high = constant(-0.693359375, -0.693145751953125)
minus_log2_low = constant(2.12194440e-4, -1.42860682030941723212e-6)

# (exp(r) - 1 - r) / r² for |r| up to log(2) / 2; errors of exp(r) - 1: 2^-26 and 2^-56
exp_rest = polynomial(
    (0.49999997, 0.16666543, 0.041667193, 0.00836653, 0.0013883114),
    (0.5000000000000006, 0.1666666666666659, 0.041666666666576625, 0.008333333333388628,
     0.0013888888931608615, 0.00019841269721664452, 2.4801505219849414e-05,
     2.755740457219688e-06, 2.7626059937267577e-07, 2.505490609761625e-08))

# (log((1 + s) / (1 - s)) - 2 s) / s³ of s², |s| up to 0.172: errors of 2^-29 and 2^-58
log_rest = polynomial(
    (0.66666776, 0.39977542, 0.2987173),
    (0.6666666666666734, 0.3999999999941468, 0.28571428742387195, 0.22222198573226762,
     0.18183564324019255, 0.1531405060357794, 0.14795949205599962))

# erf(x) / x - 1 of x², x up to 1: errors of 2^-29 and 2^-57
erf_rest = polynomial(
    (0.12837917, -0.37612626, 0.112835854, -0.026853813, 0.0051883277, -0.00080101937,
     7.8538615e-05),
    (0.12837916709551256, -0.3761263890318352, 0.11283791670944185, -0.026866170643111472,
     0.005223977606118512, -0.0008548325929316154, 0.00012055293576944545,
     -1.4924712302743906e-05, 1.6447131579120625e-06, -1.6206313810469892e-07,
     1.371098059298624e-08, -7.779468805543838e-10))

# -log(1 - erf(x)) from 1 to 4 and to 6, where erf is 1: errors of erf of 2^-26 and 2^-57
minus_log_erfc = polynomial(
    (0.002619177, 1.1176213, 0.6542401, 0.08879971, -0.014831838, 0.00115722),
    (5.028020926149891e-07, 1.128374089942927, 0.6366436259683895, 0.10270344544434984,
     -0.018990190266417885, -0.0004106118697541375, 0.0019159263590247879,
     -0.0007706293750709247, 0.0001350415817702116, 2.0271046630923145e-05,
     -2.2824226696932172e-05, 8.667695138565864e-06, -2.135803799074309e-06,
     3.733255766691122e-07, -4.6425858960033425e-08, 3.934528055285352e-09,
     -2.0451123302980033e-10, 4.929010772731975e-12))

exp_top, exp_bottom = constant(89.0, 710.0), constant(-104.0, -746.0)  # from here: inf, 0
normal_bottom = constant(-88.1, -709.1)  # from here n is the one whose power stands for 0
expm1_bottom = constant(-18.0, -38.0)  # from here -1
tanh_top = constant(10.0, 20.0)  # from here 1
erf_top = constant(4.0, 6.0)  # from here 1
gelu_top = constant(1e4, 1e4)  # squares from here are as good as infinity
smallest = constant(2.0 ** -126, 2.0 ** -1022)  # normal number
denormal_scale, denormal_power = constant(2.0 ** 23, 2.0 ** 52), constant(-23.0, -52.0)
above_zero = constant(2.0 ** -149, 2.0 ** -1074)  # the smallest of all
zero, one, minus_one = constant(0.0, 0.0), constant(1.0, 1.0), constant(-1.0, -1.0)
infinity, nan = constant(math.inf, math.inf), constant(math.nan, math.nan)

# of -2u in GELU's tanh form (Hendrycks and Gimpel 2016, arXiv:1606.08415): x and x³
minus_root = constant(*[-2 * math.sqrt(2 / math.pi)] * 2)
minus_cube = constant(*[-2 * math.sqrt(2 / math.pi) * 0.044715] * 2)


# ---- exponentials

@exact
def reduced(x):
    """``(n, 2^n, exp(r) - 1)`` with x = n · log(2) + r and n whole, -127 to 128."""
    n, power = nearest_power(x, LOG2_E)
    r = fma(n, minus_log2_low(x), fma(n, minus_log2_high(x), x))
    return n, power, fma(r * r, exp_rest(r), r)


@exact
def exp(x):
    """e^x, within 1.1 units of the last place."""
    n, _, p = reduced(minimum(exp_top(x), maximum(exp_bottom(x), x)))
    half = nearest(n * 0.5)  # two steps, since 2^n need not be a normal number
    return scale_by_power(scale_by_power(p + 1, half), n - half)


@exact
def exp_normal(x):
    """The same where it is a normal number, else 0 or (from 88.4; f64: 709.4) infinity: quicker."""
    _, power, p = reduced(minimum(exp_top(x), maximum(normal_bottom(x), x)))
    return power * (p + 1)


@exact
def decay(x):
    """exp_normal for x of 0 or less."""
    _, power, p = reduced(maximum(normal_bottom(x), x))
    return fma(power, p, power)


@exact
def expm1(x):
    """e^x - 1, within 2.3 units of the last place."""
    n, _, p = reduced(minimum(exp_top(x), maximum(expm1_bottom(x), x)))
    power = scale_by_power(one(x), n - 1)  # half of 2^n, which need not be finite
    many = fma(power, p, power - 0.5) * 2
    return with_sign(where_less(absolute(n), one(x), p, many), x)


@exact
def sigmoid(x):
    """1 / (1 + e^-x), within 2.3 units of the last place."""
    e = exp(with_sign(x, minus_one(x)))
    return where_less(x, zero(x), e, one(x)) / (e + 1)


@exact
def tanh(x):
    """Hyperbolic tangent, within 3 units of the last place."""
    t = expm1(minimum(tanh_top(x), absolute(x)) * 2)
    return with_sign(t / (t + 2), x)


@exact
def log(x):
    """Natural logarithm, within 1 unit of the last place; NaN below 0. (fdlibm, e_log.c)"""
    tiny = where_less(x, smallest(x), denormal_scale(x), one(x))
    e, m = split(x * tiny)
    e = e + where_less(x, smallest(x), denormal_power(x), zero(x))
    f = m - 1
    s = f / (m + 1)
    square, half = s * s, f * f * 0.5
    rest = fma(s, fma(square, log_rest(square), half), e * minus_log2_low(x) * -1)
    y = fma(e, minus_log2_high(x) * -1, f - (half - rest))
    edge = where_less(x, zero(x), nan(x), zero(x) - infinity(x))
    return where_less(x, infinity(x), where_less(zero(x), x, y, edge), x)


# ---- the error function

@exact
def erf(x):
    """The error function, within 1.5 units of the last place."""
    size = minimum(erf_top(x), absolute(x))
    square = size * size
    small = fma(size, erf_rest(square), size)
    large = one(x) - decay(zero(x) - minus_log_erfc(size))
    return with_sign(where_less(size, one(x), small, large), x)


# ---- activations

@exact
def relu(x):
    """x, or 0 where that is more; NaN stays."""
    return maximum(zero(x), x)


@exact
def relu_grad(g, x):
    """g, but 0 where x is 0 or less."""
    return where_less(x, above_zero(x), zero(x), g)


@exact
def silu(x):
    """x · sigmoid(x) (Elfwing and others 2017, arXiv:1702.03118)."""
    return x / (exp_normal(x * -1) + 1)


@exact
def silu_slope(x):
    """Derivative of silu."""
    s = one(x) / (exp_normal(x * -1) + 1)
    return fma(x * s, one(x) - s, s)


@exact
def gelu(x):
    """x · sigmoid(2u) = x · (1 + tanh(u)) / 2 with u = sqrt(2/pi) · (x + 0.044715 x³)."""
    return x / (exp_normal(x * fma(x * x, minus_cube(x), minus_root(x))) + 1)


@exact
def gelu_slope(x):
    """Derivative of gelu."""
    square = minimum(gelu_top(x), x * x)
    s = one(x) / (exp_normal(x * fma(square, minus_cube(x), minus_root(x))) + 1)
    inner = fma(square, minus_cube(x) * -3, minus_root(x) * -1)  # of 2u
    return fma(x * s * (one(x) - s), inner, s)


@exact
def gelu_exact(x):
    """x times the part of the normal distribution that lies below x."""
    return x * 0.5 * (erf(x * ROOT_HALF) + 1)


@exact
def gelu_exact_slope(x):
    """Derivative of gelu_exact."""
    below = (erf(x * ROOT_HALF) + 1) * 0.5
    return fma(x * DENSITY, exp_normal(x * x * -0.5), below)
