# Une faute de syntaxe dans la couche variationnelle : elle est perdue ; ce qui repose sur elle est jugé avec des couches données.
# loses: test_q1_4 4.5
# %% q1_4
class LinearVariational(nn.Module)
    def __init__(self, input_size, output_size, prior_var):
        super().__init__()
