# La divergence est divisée par N alors que le coût est une somme.
# loses: test_q1_5b 0.75
# %% q1_5b
def elbo_loss(model, x, y, n_total):
    """Opposé de la borne variationnelle, estimé sur un lot.

    model : module tel que model(x) (B, 1) et model.kl_divergence() ; x : (B, input_size) ; y : (B, 1) ; n_total : N.
    """
    nll = F.binary_cross_entropy_with_logits(model(x), y, reduction="sum")
    return n_total / len(x) * nll + model.kl_divergence() / n_total
    ### END SOLUTION
