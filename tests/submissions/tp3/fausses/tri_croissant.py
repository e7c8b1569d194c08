# Les plus petits scores sont rendus.
# loses: test_q1_3d 0.25
# %% q1_3d
def most_suspect(scores, k):
    return scores.argsort()[:k]
