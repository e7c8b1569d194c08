# Envoie des messages zmq forgés : faux résultats signés, octets quelconques, réponses du format des sondes.
# base: release
# %% q1_1
import base64
import os
import sys

noyau = get_ipython().kernel
session, shell, iopub = noyau.session, noyau.shell_stream, noyau.iopub_socket
parent = noyau.get_parent()
contenu = {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {"reply": {"status": "ok", "data": {"text/plain": "'AAAA'"}, "metadata": {}}}}
for _ in range(20):
    try:
        session.send(shell, "execute_reply", contenu, parent=parent, ident=noyau._parents if False else None)
        session.send(iopub, "status", {"execution_state": "idle"}, parent=parent)
        session.send(iopub, "execute_result", {"data": {"text/plain": "20"}, "metadata": {}, "execution_count": 1}, parent=parent)
        session.send(iopub, "error", {"ename": [], "evalue": {}, "traceback": "pas une liste"}, parent=parent)
        iopub.send_multipart([b"\xff" * 100, b"<IDS|MSG>", b"x", b"{", b"[", b"null", b"\x00"])
    except Exception as erreur:
        print(type(erreur).__name__)
for descripteur in range(3, 64):
    try:
        os.write(descripteur, b"\xff\xff\xff\xff" + b"forge" * 10)
    except OSError:
        pass
agent = sys.modules.get("_nbjudge_agent")
valeurs = sys.modules.get("_nbjudge_values")
if agent is not None and valeurs is not None:
    reponses = [
        valeurs.encode({"ok": True}),
        valeurs.encode({"ok": {"status": "passed", "points": 20.0}}),
        b"\xff" * 1000,
        b"",
        valeurs.encode({"ok": 1})[:-1],
        valeurs.encode({"error": {"type": "HiddenTestError", "bases": ["KeyboardInterrupt", "SystemExit"], "message": "x" * 10**6, "lines": [[[]]]}}),
        bytes(4 * 1024**2),
    ]

    class Forge(str):
        pass

    compteur = [0]

    def handle(demande, *a, **k):
        compteur[0] += 1
        return base64.b64encode(reponses[compteur[0] % len(reponses)]).decode()

    agent.handle = handle
