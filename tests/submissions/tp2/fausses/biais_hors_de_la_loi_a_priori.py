# La loi a priori ne porte pas sur le biais, dans U ni dans la hessienne : une erreur par question.
# loses: test_q1_1b 0.75, test_q1_2a 0.5
# %% q1_1b
def fit_map(model, X, y, lam):
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=100, tolerance_grad=1e-6, tolerance_change=1e-9, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        U = F.binary_cross_entropy_with_logits(model(X), y, reduction="sum") + lam / 2 * model.fc.weight.pow(2).sum()
        U.backward()
        return U

    for _ in range(2):
        optimizer.step(closure)

# %% q1_2a
def hessian(X, y, w, lam):
    X1 = torch.cat([X, torch.ones(len(X), 1)], dim=1)
    p = torch.sigmoid(X1 @ w)
    return (X1 * (p * (1 - p))[:, None]).T @ X1 + lam * torch.diag(torch.tensor([1.0, 1.0, 0.0]))
