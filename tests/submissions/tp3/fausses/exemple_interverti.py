# Les deux vecteurs sont dans l'autre ordre.
# loses: test_q3_3a 0.5
# %% q3_3a
z_reversal = [[6.0, 5.0, -8.0], [3.0, 0.0, 0.0]]
