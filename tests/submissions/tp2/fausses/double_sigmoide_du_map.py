# Dans U, la sigmoïde est appliquée deux fois ; la loi a priori est la bonne.
# loses: test_q1_1b 0.75
# %% q1_1b
def fit_map(model, X, y, lam):
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=100, tolerance_grad=1e-6, tolerance_change=1e-9, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        p = torch.sigmoid(model(X))
        U = F.binary_cross_entropy_with_logits(p, y, reduction="sum") + lam / 2 * sum(w.pow(2).sum() for w in model.parameters())
        U.backward()
        return U

    for _ in range(3):
        optimizer.step(closure)
