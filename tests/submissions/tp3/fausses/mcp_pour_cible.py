# La cible est la MCP, que le réseau connaît déjà.
# loses: test_q2_2b 1.25
# %% q2_2b
def confidnet_loss(logits, c, labels):
    mcp = logits.detach().softmax(dim=1).max(dim=1).values
    return F.mse_loss(torch.sigmoid(c), mcp)
