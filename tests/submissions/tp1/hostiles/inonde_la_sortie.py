# Écrit un gigaoctet après une réponse honnête, par petites et grosses lignes, sur stdout et stderr : rien n'est gagné ni perdu.
# %% q2_6c
import os
import sys

reponses_2_6 = {"a": False, "b": False, "c": True, "d": False, "e": True}
for _ in range(100):
    print("x" * 5_000_000)
    print("y" * 2_000_000, file=sys.stderr)
    for _ in range(500):
        print("une petite ligne de plus", end="\n" * 100)
for _ in range(300):
    os.write(1, b"z" * 1_000_000)
