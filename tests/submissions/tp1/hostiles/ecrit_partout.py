# Essaie d'écrire et de lire partout.
# base: release
# loses: everything
# %% q1_1
import os, pathlib, subprocess

for chemin in (
    "/",
    "/usr/bin/x",
    "/etc/passwd",
    "/sealed/../gradebook.db",
    "/home/x",
    "/root/x",
    "/run/nbjudge/x",
    "/dev/x",
    "tp1_utils.py",
    "../../gradebook.db",
):
    try:
        pathlib.Path(chemin).write_text("20")
    except Exception as erreur:
        print(chemin, type(erreur).__name__)
for racine, dossiers, fichiers in os.walk("/"):
    if "gradebook.db" in fichiers or "course.secret" in fichiers:
        print("trouvé", racine)
    if racine.startswith(("/proc", "/sys")):
        dossiers.clear()
