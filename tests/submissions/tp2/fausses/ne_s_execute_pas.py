# Une faute de syntaxe dans la couche variationnelle : elle et ce qui repose sur elle sont perdus, le reste est jugé.
# loses: test_q1_4 4.5, test_q1_5a 0.75, test_q2_1a 1.5
# %% q1_4
class LinearVariational(nn.Module)
    def __init__(self, input_size, output_size, prior_var):
        super().__init__()
