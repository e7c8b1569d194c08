# L'image perturbée est ramenée dans [0, 1].
# loses: test_q3_1 1.75
# %% q3_1
def odin_preprocessing(model, input, epsilon, temperature):
    x = input.detach().clone().requires_grad_(True)
    logits = model(x) / temperature
    loss = F.cross_entropy(logits, logits.argmax(dim=1), reduction="sum")
    (gradient,) = torch.autograd.grad(loss, x)
    return (input.detach() - epsilon * gradient.sign()).clamp(0, 1)
