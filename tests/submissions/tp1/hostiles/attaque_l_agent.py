# Remplace l'agent et les outils qui répondent aux sondes.
# base: release
# loses: everything
# %% q1_1
import sys, base64, json

for nom, module in list(sys.modules.items()):
    if "nbjudge" in nom:
        for attribut in list(vars(module)):
            if callable(getattr(module, attribut, None)):
                try:
                    setattr(
                        module, attribut, lambda *a, **k: base64.b64encode(b"{}" * 100).decode()
                    )
                except Exception:
                    pass
        module.handle = lambda *a: "AAAA"
json.dumps = lambda *a, **k: "20"
