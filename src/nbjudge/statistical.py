"""Bounds for tests of random results, each with a false-alarm probability that is derived.

A right answer is rejected with probability at most ``false_alarm``, whatever the sample size:
no bound here is asymptotic.  Many components are tested at once with a union bound.

References
----------
.. [1] W. Hoeffding, Probability inequalities for sums of bounded random variables, JASA 58,
   1963, Theorem 2.
.. [2] H. Chernoff, A measure of asymptotic efficiency for tests of a hypothesis based on the
   sum of observations, Ann. Math. Stat. 23, 1952 (in the form n KL(p̂‖p) for proportions).
.. [3] B. Laurent, P. Massart, Adaptive estimation of a quadratic functional by model
   selection, Ann. Stat. 28, 2000, Lemma 1.
.. [4] P. Massart, The tight constant in the Dvoretzky–Kiefer–Wolfowitz inequality, Ann.
   Probab. 18, 1990, Corollary 1.
"""

from __future__ import annotations

import math
from statistics import NormalDist


def gaussian_mean_bound(sd: float, n: int, false_alarm: float) -> float:
    """Half-width for the mean of ``n`` independent normal samples of known ``sd`` (exact law)."""
    return -NormalDist().inv_cdf(false_alarm / 2) * sd / math.sqrt(n)


def bounded_mean_bound(low: float, high: float, n: int, false_alarm: float) -> float:
    """Half-width for the mean of ``n`` independent samples in [low, high] (Hoeffding [1]_)."""
    return (high - low) * math.sqrt(math.log(2 / false_alarm) / (2 * n))


def gaussian_variance_bounds(n: int, false_alarm: float) -> tuple[float, float]:
    """Bounds for (1/n) Σ (x - mean)² / variance, normal samples of known mean ([3]_).

    P(χ²ₙ ≥ n + 2√(nt) + 2t) ≤ e^-t and P(χ²ₙ ≤ n - 2√(nt)) ≤ e^-t, with t = ln(2/false_alarm).
    """
    t = math.log(2 / false_alarm)
    return 1 - 2 * math.sqrt(t / n), 1 + 2 * math.sqrt(t / n) + 2 * t / n


def bernoulli_divergence(q: float, p: float) -> float:
    """Kullback-Leibler divergence of Bernoulli(q) from Bernoulli(p), in nats."""

    def term(a: float, b: float) -> float:
        if a == 0:
            return 0.0
        return math.inf if b == 0 else a * math.log(a / b)

    return term(q, p) + term(1 - q, 1 - p)


def proportion_is_refuted(successes: int, trials: int, p: float, false_alarm: float) -> bool:
    """Tell whether ``successes`` of ``trials`` refutes Bernoulli(p) (Chernoff [2]_).

    Each tail has probability at most exp(-n KL(p̂‖p)).
    """
    return 2 * math.exp(-trials * bernoulli_divergence(successes / trials, p)) < false_alarm


def dkw_bound(n: int, false_alarm: float) -> float:
    """Bound for sup |Fₙ - F| over ``n`` independent samples of F (DKW with [4]_)."""
    return math.sqrt(math.log(2 / false_alarm) / (2 * n))
