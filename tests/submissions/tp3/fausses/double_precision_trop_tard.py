# Le softmax est en simple précision, converti ensuite.
# loses: test_q3_2 0.5
# %% q3_2
def odin_score(model, x, epsilon, temperature):
    moved = odin_preprocessing(model, x, epsilon, temperature)
    with torch.no_grad():
        p = (model(moved) / temperature).softmax(dim=1)
    return (1 - p.max(dim=1).values).double()
