# La log-vraisemblance négative est une somme sur les points.
# loses: test_q2_2c 0.25
# %% q2_2c
def evaluate(probs, y):
    p, y = probs.mean(dim=0), y.reshape(-1)
    accuracy = ((p > 0.5) == (y > 0.5)).float().mean().item()
    return accuracy, F.binary_cross_entropy(p, y, reduction="sum").item(), probs.std(dim=0).mean().item()
