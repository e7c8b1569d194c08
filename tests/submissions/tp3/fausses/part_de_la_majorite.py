# La part des votes de la classe majoritaire : une confiance.
# loses: test_q1_3a 0.75
# %% q1_3a
def variation_ratio(probs):
    S, _, K = probs.shape
    return F.one_hot(probs.argmax(dim=2), K).sum(dim=0).max(dim=1).values / S
