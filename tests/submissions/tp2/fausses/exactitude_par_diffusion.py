# (N,) comparé à (N, 1) : torch compare chaque point à tous les autres.
# loses: test_q2_2c 0.25
# %% q2_2c
def evaluate(probs, y):
    """Exactitude, log-vraisemblance négative moyenne et écart-type moyen des tirages.

    probs : (nsamples, N) ; y : (N, 1). Renvoie trois nombres.
    """
    p, t = probs.mean(dim=0), y
    accuracy = ((p > 0.5) == (t > 0.5)).float().mean().item()
    nll = F.binary_cross_entropy(p, t.reshape(-1)).item()
    return accuracy, nll, probs.std(dim=0).mean().item()
    ### END SOLUTION
