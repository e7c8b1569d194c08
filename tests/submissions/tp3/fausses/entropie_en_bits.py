# Le logarithme est en base 2 ; l'information mutuelle en hérite, et n'est pas payée une seconde fois.
# loses: test_q1_3b 0.75
# %% q1_3b
def predictive_entropy(probs):
    p = probs.mean(dim=0)
    return -torch.special.xlogy(p, p).sum(dim=1) / np.log(2)
