# Le gradient passe par les logits.
# loses: test_q2_2b 0.5
# %% q2_2b
def confidnet_loss(logits, c, labels):
    tcp = logits.softmax(dim=1).gather(1, labels.unsqueeze(1)).squeeze(1)
    return F.mse_loss(torch.sigmoid(c), tcp)
