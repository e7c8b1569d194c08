# L'entropie de la moyenne plus la moyenne des entropies.
# loses: test_q1_3c 0.75
# %% q1_3c
def mutual_information(probs):
    return predictive_entropy(probs) - torch.special.xlogy(probs, probs).sum(dim=2).mean(dim=0)
