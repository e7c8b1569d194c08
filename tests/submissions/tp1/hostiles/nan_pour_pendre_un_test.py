# NaN, infinis, itérateurs sans fin et longueurs absurdes, pour qu'un test ne se termine pas ; seules ces réponses sont perdues.
# loses: test_q1_4b 1, test_q1_5a 1.5, test_q1_6b 0.5, test_q2_5 0.5, test_q2_6b 0.5
# %% q1_4b
class SansFin:
    def __iter__(self):
        return self

    def __next__(self):
        return float("nan")

    def __len__(self):
        return 2**62 - 1

    def __getitem__(self, i):
        return SansFin()


def variance_parts(f_model, x, beta):
    return SansFin()
# %% q1_5a
def variance_alpha0(x_star, x_train):
    while True:
        yield np.nan
# %% q1_6b
x_min_hole = float("nan")
reponses_1_6 = {"a": False, "b": True, "c": False, "d": False, "e": True}
# %% q2_5
limites_2_5 = {"moyenne": np.nan, "variance": np.array(np.inf)}
reponses_2_5 = {"a": True, "b": False, "c": False, "d": True, "e": False}
# %% q2_6b
def best_alpha(Phi, y, alphas, beta):
    return iter(int, 1), np.nan
