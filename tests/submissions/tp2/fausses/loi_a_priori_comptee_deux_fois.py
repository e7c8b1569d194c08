# Un weight_decay s'ajoute à la loi a priori qui est déjà dans U.
# loses: test_q1_1b 0.75
# %% q1_1b
def fit_map(model, X, y, lam):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, weight_decay=lam)
    for _ in range(800):
        optimizer.zero_grad()
        U = F.binary_cross_entropy_with_logits(model(X), y, reduction="sum")
        U = U + lam / 2 * sum(p.pow(2).sum() for p in model.parameters())
        U.backward()
        optimizer.step()
