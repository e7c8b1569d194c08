# Le facteur pi / 8 manque dans l'approximation probit.
# loses: test_q1_2d 1
# %% q1_2d
def probit_predict(X, w_map, Sigma):
    X1 = torch.cat([X, torch.ones(len(X), 1)], dim=1)
    return torch.sigmoid(X1 @ w_map / torch.sqrt(1 + ((X1 @ Sigma) * X1).sum(dim=1)))
