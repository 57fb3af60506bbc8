"""Tails of the binomial distribution by the incomplete beta function: as logarithms they do not underflow."""

import math


def _stirling_error(z: float) -> float:
    """ln Gamma(z + 1) less Stirling's formula for it, without the cancellation for large z (DLMF 5.11.1)."""
    if z < 16.0:
        return math.lgamma(z + 1.0) - (z + 0.5) * math.log(z) + z - 0.5 * math.log(2.0 * math.pi)
    square = 1.0 / (z * z)
    return (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188)))) / z


def _deviance(observed: float, expected: float) -> float:
    """observed * ln(observed / expected) + expected - observed, exact also when the two are close."""
    excess = (expected - observed) / observed
    if abs(excess) < 0.5:
        return observed * (excess - math.log1p(excess))
    return observed * math.log(observed / expected) + expected - observed


def _log_beta_prefix(a: float, b: float, x: float, y: float) -> float:
    """ln of x^a y^b / B(a, b), by the saddle-point form of the binomial (Loader 2000): ten million events
    cost no digits, where three log-gammas would lose eight."""
    n = a + b
    log_binomial = (
        _stirling_error(n) - _stirling_error(a) - _stirling_error(b)
        - _deviance(a, n * x) - _deviance(b, n * y) - 0.5 * math.log(2.0 * math.pi * a * b / n)
    )  # fmt: skip
    return log_binomial + math.log(a * b / n)


def _continued_fraction(a: float, b: float, x: float) -> float:
    """DLMF 8.17.22 by Lentz's method; converges fast for x < (a + 1) / (a + b + 2)."""
    tiny = 1e-300
    c, d = 1.0, 1.0 / ((1.0 - (a + b) * x / (a + 1.0)) or tiny)
    value = d
    for m in range(1, 100_000):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        d, c = 1.0 / ((1.0 + even * d) or tiny), (1.0 + even / c) or tiny
        value *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        d, c = 1.0 / ((1.0 + odd * d) or tiny), (1.0 + odd / c) or tiny
        value *= d * c
        if abs(d * c - 1.0) < 1e-15:
            break
    return value


def log_incomplete_beta(a: float, b: float, x: float, y: float) -> float:
    """ln I_x(a, b), with y = 1 - x given so that neither loses digits."""
    if x <= 0.0:
        return -math.inf
    if y <= 0.0:
        return 0.0
    prefix = _log_beta_prefix(a, b, x, y)
    if x * (a + b + 2.0) < a + 1.0:
        return min(0.0, prefix + math.log(_continued_fraction(a, b, x) / a))
    complement = math.exp(min(0.0, prefix + math.log(_continued_fraction(b, a, y) / b)))
    return math.log1p(-complement) if complement < 1.0 else -math.inf


def regularized_incomplete_beta(a: float, b: float, x: float) -> float:
    """I_x(a, b) for positive a and b and x from 0 to 1."""
    return math.exp(log_incomplete_beta(a, b, x, 1.0 - x))


def log_binomial_tail(k: float, n: float, p: float, q: float | None = None) -> float:
    """ln P(X >= k) for X ~ Binomial(n, p), continued smoothly to fractional k and n; -inf when impossible.

    `q` is 1 - p where the caller knows it to more digits than the subtraction leaves.
    """
    if k <= 0.0:
        return 0.0
    return -math.inf if k > n else log_incomplete_beta(k, n - k + 1.0, p, 1.0 - p if q is None else q)


def binomial_tail(k: float, n: float, p: float) -> float:
    """P(X >= k) for X ~ Binomial(n, p); zero where it underflows (see `log_binomial_tail`)."""
    return math.exp(log_binomial_tail(k, n, p))
