# Une boucle sans fin qui avale les interruptions, dans une fonction testée.
# base: release
# loses: everything
# %% q1_1
def phi_linear(x):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
