# Les tirages sont moyennés : il n'en sort qu'une probabilité par point.
# loses: test_q2_2b 0.75
# %% q2_2b
def mc_dropout_predict(model, X, nsamples):
    model.train()
    with torch.no_grad():
        probs = torch.stack([torch.sigmoid(model(X)).squeeze(1) for _ in range(nsamples)])
    model.eval()
    return probs.mean(dim=0)
