# Un seul tirage, répété.
# loses: test_q2_2b 0.75
# %% q2_2b
def mc_dropout_predict(model, X, nsamples):
    """Probabilités de nsamples prédictions avec dropout actif : X (N, input_size) -> (nsamples, N)."""
    was_training = model.training
    model.train()
    with torch.no_grad():
        probs = torch.sigmoid(model(X)).squeeze(1).repeat(nsamples, 1)
    model.train(was_training)
    return probs
    ### END SOLUTION
