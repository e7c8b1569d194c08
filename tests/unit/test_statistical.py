"""The bounds hold against exact laws, computed with scipy."""

import math

import numpy as np
import pytest
from scipy import stats

from nbjudge import statistical as st

ALARMS = [1e-2, 1e-4, 1e-6]


@pytest.mark.parametrize("alarm", ALARMS)
@pytest.mark.parametrize("n", [1, 7, 1000])
def test_the_gaussian_mean_bound_is_the_exact_quantile(n, alarm):
    bound = st.gaussian_mean_bound(2.5, n, alarm)
    assert 2 * stats.norm.sf(bound, scale=2.5 / math.sqrt(n)) == pytest.approx(alarm, rel=1e-6)


@pytest.mark.parametrize("alarm", ALARMS)
@pytest.mark.parametrize("n", [10, 137, 5000])
def test_the_variance_bounds_cover_the_chi_square_law(n, alarm):
    low, high = st.gaussian_variance_bounds(n, alarm)
    assert stats.chi2.sf(high * n, n) <= alarm / 2
    assert stats.chi2.cdf(low * n, n) <= alarm / 2


@pytest.mark.parametrize("alarm", ALARMS)
@pytest.mark.parametrize(("n", "p"), [(20, 0.5), (333, 0.1), (2000, 0.97)])
def test_a_refuted_proportion_is_rarer_than_promised(n, p, alarm):
    refuted = [k for k in range(n + 1) if st.proportion_is_refuted(k, n, p, alarm)]
    assert stats.binom.pmf(refuted, n, p).sum() <= alarm


def test_a_wrong_proportion_is_refuted():
    assert st.proportion_is_refuted(900, 1000, 0.5, 1e-6)
    assert st.proportion_is_refuted(0, 1000, 0.5, 1e-6)
    assert st.proportion_is_refuted(1, 5, 0.0, 1e-6)
    assert not st.proportion_is_refuted(500, 1000, 0.5, 1e-6)


@pytest.mark.parametrize("alarm", ALARMS)
@pytest.mark.parametrize("n", [10, 100, 1000])
def test_the_dkw_bound_covers_the_kolmogorov_law(n, alarm):
    assert stats.kstwo.sf(st.dkw_bound(n, alarm), n) <= alarm * (1 + 1e-9)


def test_hoeffding_covers_the_mean_of_a_fair_coin():
    n, alarm = 200, 1e-3
    width = st.bounded_mean_bound(0.0, 1.0, n, alarm)
    k = np.arange(n + 1)
    outside = k[np.abs(k / n - 0.5) >= width]
    assert outside.size
    assert stats.binom.pmf(outside, n, 0.5).sum() <= alarm
