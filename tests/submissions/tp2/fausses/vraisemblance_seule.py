# La loi a priori est oubliée : c'est le maximum de vraisemblance, quel que soit lam.
# loses: test_q1_1b 1.25
# %% q1_1b
def fit_map(model, X, y, lam):
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=100, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        nll = F.binary_cross_entropy_with_logits(model(X), y, reduction="sum")
        nll.backward()
        return nll

    optimizer.step(closure)
