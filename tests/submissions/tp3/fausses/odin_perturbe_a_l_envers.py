# Le pas va dans le sens du gradient ; le score en hérite, et n'est pas payé une seconde fois.
# loses: test_q3_1 1.25
# %% q3_1
def odin_preprocessing(model, input, epsilon, temperature):
    x = input.detach().clone().requires_grad_(True)
    logits = model(x) / temperature
    loss = F.cross_entropy(logits, logits.argmax(dim=1), reduction="sum")
    (gradient,) = torch.autograd.grad(loss, x)
    return input.detach() + epsilon * gradient.sign()
