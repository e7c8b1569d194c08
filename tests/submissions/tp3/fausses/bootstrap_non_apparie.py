# Deux tirages, un par score.
# loses: test_q2_3c 0.5
# %% q2_3c
def paired_bootstrap(metric, scores_a, scores_b, positives, n_boot=1000, seed=0):
    hasard, n = np.random.default_rng(seed), len(positives)
    ecarts = []
    for _ in range(n_boot):
        i, j = hasard.integers(0, n, n), hasard.integers(0, n, n)
        ecarts.append(metric(scores_a[i], positives[i]) - metric(scores_b[j], positives[j]))
    return tuple(np.quantile(ecarts, [0.025, 0.975]))
