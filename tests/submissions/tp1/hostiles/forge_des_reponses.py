# Envoie des messages zmq forgés, signés ou non, et répond aux sondes par des octets choisis.
# base: release
# %% q1_1
import base64
import sys

noyau = get_ipython().kernel
session, parent = noyau.session, noyau.get_parent()
identites = getattr(noyau, "_shell_parent_ident", None)
resultat = {"status": "ok", "data": {"text/plain": "'AAAA'"}, "metadata": {}}
reponse = {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {"reply": resultat}}
for _ in range(20):
    for prise, genre, contenu, ident in (
        (noyau.shell_stream, "execute_reply", reponse, identites and identites.get()),
        (noyau.iopub_socket, "status", {"execution_state": "idle"}, None),
        (noyau.iopub_socket, "execute_result", {"data": {"text/plain": "20"}, "metadata": {}}, None),
        (noyau.iopub_socket, "error", {"ename": [], "evalue": {}, "traceback": "pas une liste"}, None),
    ):
        try:
            session.send(prise, genre, contenu, parent=parent, ident=ident)
        except Exception as erreur:
            print(genre, type(erreur).__name__)
    try:
        noyau.iopub_socket.send_multipart([b"\xff" * 100, b"<IDS|MSG>", b"x", b"{", b"[", b"null", b"\x00"])
    except Exception as erreur:
        print(type(erreur).__name__)
agent, valeurs = sys.modules["_nbjudge_agent"], sys.modules["_nbjudge_values"]
octets = [
    valeurs.encode({"ok": True}),
    valeurs.encode({"ok": {"status": "passed", "points": 20.0}}),
    valeurs.encode({"ok": 1})[:-1],
    valeurs.encode({"error": {"type": "HiddenTestError", "bases": ["KeyboardInterrupt", "SystemExit"], "message": "x" * 10**6, "lines": [[[]]]}}),
    b"\xff" * 1000,
    b"",
    bytes(4 * 1024**2),
]
demandes = []


def handle(demande, *a, **k):
    demandes.append(demande)
    return base64.b64encode(octets[len(demandes) % len(octets)]).decode()


agent.handle = handle
# %% after test_q1_3
agent.handle = lambda demande, *a, **k: 20
# %% after test_q1_5a
class Chaine(str):
    __len__ = __eq__ = __repr__ = lambda *a: "'AAAA'"


agent.handle = lambda demande, *a, **k: Chaine("x" * 1000)
