# Remplit la mémoire.
# base: release
# loses: everything
# %% q1_1
x = bytearray(40 * 1024**3)
blocs = []
while True:
    blocs.append(np.ones(16 * 1024**2))
