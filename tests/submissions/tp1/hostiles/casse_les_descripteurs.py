# Écrit n'importe quoi dans tous les descripteurs ouverts, puis les ferme ; seule cette réponse est perdue.
# loses: test_q2_2b 0.5
# %% q2_2b
reponses_2_2 = {"a": True, "b": False, "c": True, "d": False, "e": False}
import os

for descripteur in range(3, 256):
    try:
        os.write(descripteur, b"\xff\xff\xff\xff" + b"forge" * 10)
    except OSError:
        pass
os.closerange(3, 256)
