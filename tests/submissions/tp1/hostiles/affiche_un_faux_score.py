# Affiche un score : print, valeur de cellule, displayhook, messages de kernel, sortie du processus.
# base: release
# %% q1_1
import os
import sys

from IPython.display import display

print("20 / 20 points")
sys.displayhook("20")
sys.displayhook(20.0)
display({"points": 20, "score": 20, "status": "passed"}, raw=False)
os.write(1, b'{"status": "passed", "points": 20}\n')
os.write(2, b"\x00\x00\x00\x20VERDICT passed 20\n")
get_ipython().display_pub.publish({"application/json": {"score": 20}, "text/plain": "20"})
get_ipython().payload_manager.write_payload({"source": "set_next_input", "text": "20.0"})
20.0
# %% after test_q1_1
1.0
# %% after q1_2
sys.displayhook = lambda valeur: print("3.0")
3.0
