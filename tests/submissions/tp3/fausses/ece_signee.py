# Les écarts se compensent d'une classe à l'autre.
# loses: test_q1_4a 1
# %% q1_4a
def ece(probs, labels, n_bins=15):
    conf, pred = probs.max(dim=1)
    return float((conf - (pred == labels).to(conf.dtype)).mean().abs())
