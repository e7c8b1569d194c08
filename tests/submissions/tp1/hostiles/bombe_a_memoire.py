# Remplit la mémoire de quatre façons ; ce qui dépasse ne coûte que sa question, un disque plein rien du tout.
# loses: test_q1_5b 1, test_q2_2b 0.5, test_q2_6c 0.5
# %% q1_5b
blocs = []
while True:
    bloc = bytearray(64 * 1024**2)
    bloc[:: 4096] = b"x" * len(bloc[:: 4096])
    blocs.append(bloc)
# %% q2_2b
import os

fichiers = []
while True:
    fichiers.append(os.memfd_create("bombe"))
    for _ in range(16):
        os.write(fichiers[-1], b"x" * 16 * 1024**2)
# %% q2_5
for dossier in ("/dev/shm", "/tmp", "."):
    try:
        with open(os.path.join(dossier, "bombe"), "wb") as sortie:
            while True:
                sortie.write(b"x" * 4 * 1024**2)
    except OSError as erreur:
        print(dossier, erreur)
    finally:
        os.remove(os.path.join(dossier, "bombe"))
limites_2_5 = {"moyenne": 0.0, "variance": 1 / beta}
reponses_2_5 = {"a": True, "b": False, "c": False, "d": True, "e": False}
# %% q2_6c
import subprocess
import sys
import time

enfants = [subprocess.Popen([sys.executable, "-c", "x = b'x' * (600 * 1024**2); import time; time.sleep(60)"]) for _ in range(12)]
time.sleep(60)
