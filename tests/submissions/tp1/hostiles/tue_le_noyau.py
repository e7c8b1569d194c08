# Chaque réponse tue le noyau, par un moyen différent.
# base: release
# loses: everything
# %% q1_1
import os


def phi_linear(x):
    os._exit(0)


# %% q1_2
exit()
# %% q2_1
import os, signal

os.kill(os.getppid(), signal.SIGKILL)
os.kill(os.getpid(), signal.SIGKILL)
