# Quatre réponses tuent le noyau, chacune à sa façon ; chacune ne coûte que sa question.
# loses: test_q1_4b 1, test_q1_5b 1, test_q2_2b 0.5, test_q2_6c 0.5
# %% q1_4b
import os


def variance_parts(f_model, x, beta):
    os._exit(0)
# %% q1_5b
reponses_1_5 = {"a": False, "b": True, "c": False, "d": True, "e": False}
import ctypes

ctypes.string_at(0)
# %% q2_2b
reponses_2_2 = {"a": True, "b": False, "c": True, "d": False, "e": False}
exit()
# %% q2_6c
import signal

os.kill(os.getppid(), signal.SIGKILL)
os.kill(os.getpid(), signal.SIGKILL)
os.kill(1, signal.SIGKILL)
reponses_2_6 = {"a": False, "b": False, "c": True, "d": False, "e": True}
os.abort()
