# Dans U, lam est pris pour la variance a priori : juste pour lam = 1 seulement.
# loses: test_q1_1b 0.5
# %% q1_1b
def fit_map(model, X, y, lam):
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=100, tolerance_grad=1e-6, tolerance_change=1e-9, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        U = F.binary_cross_entropy_with_logits(model(X), y, reduction="sum") + sum(p.pow(2).sum() for p in model.parameters()) / (2 * lam)
        U.backward()
        return U

    for _ in range(2):
        optimizer.step(closure)
