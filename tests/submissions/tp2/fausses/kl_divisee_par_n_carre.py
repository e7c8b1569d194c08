# Un coût moyen, et une divergence divisée par le carré de N.
# loses: test_q1_5b 0.75
# %% q1_5b
def elbo_loss(model, x, y, n_total):
    return F.binary_cross_entropy_with_logits(model(x), y) + model.kl_divergence() / n_total**2
