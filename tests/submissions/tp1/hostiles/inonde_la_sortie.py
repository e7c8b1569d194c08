# Imprime sans fin.
# base: release
# loses: everything
# %% q1_1
for _ in range(200):
    print("x" * 5_000_000)


def phi_linear(x):
    return None
