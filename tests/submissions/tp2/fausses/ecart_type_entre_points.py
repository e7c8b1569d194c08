# L'écart-type est pris entre les points, non entre les tirages.
# loses: test_q2_2c 0.25
# %% q2_2c
def evaluate(probs, y):
    """Exactitude, log-vraisemblance négative moyenne et écart-type moyen des tirages.

    probs : (nsamples, N) ; y : (N, 1). Renvoie trois nombres.
    """
    p, y = probs.mean(dim=0), y.reshape(-1)
    accuracy = ((p > 0.5) == (y > 0.5)).float().mean().item()
    nll = F.binary_cross_entropy(p, y).item()
    return accuracy, nll, probs.std(dim=1).mean().item()
    ### END SOLUTION
