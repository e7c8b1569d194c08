# Vide, duplique et retire les cellules de test.
# base: release
# loses: everything
# change: empty_tests duplicate_tests
# %% q1_1
print("20 / 20 points")
20.0
