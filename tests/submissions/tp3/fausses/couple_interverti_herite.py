# Le couple est rendu dans l'autre ordre, et le coût y prend son second terme : payé une seule fois.
# loses: test_q2_1a 0.75
# %% q2_1a
def confidences(probs, labels):
    return probs[torch.arange(len(labels)), labels], probs.max(dim=1).values
# %% q2_2b
def confidnet_loss(logits, c, labels):
    _, tcp = confidences(logits.detach().softmax(dim=1), labels)
    return F.mse_loss(torch.sigmoid(c), tcp)
