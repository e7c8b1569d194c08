# Les trois scores sont des confiances.
# loses: test_q2_3b 0.5
# %% q2_3b
def failure_scores(probs, mc_mean, c):
    logs = np.log(np.where(mc_mean > 0, mc_mean, 1))
    return {"MCP": probs.max(axis=1), "MC dropout": np.sum(mc_mean * logs, axis=1), "ConfidNet": 1 / (1 + np.exp(-c))}
