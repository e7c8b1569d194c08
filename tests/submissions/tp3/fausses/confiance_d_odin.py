# La probabilité maximale, une confiance.
# loses: test_q3_2 1
# %% q3_2
def odin_score(model, x, epsilon, temperature):
    moved = odin_preprocessing(model, x, epsilon, temperature)
    with torch.no_grad():
        return (model(moved).double() / temperature).softmax(dim=1).max(dim=1).values
