# Des fichiers à côté du notebook portent le nom de numpy, de nbjudge et du module donné ; deux réponses sont honnêtes.
# base: release
# answers: q1_1 q2_1
# earns: test_q1_1 1, test_q2_1 1
# %% file numpy.py
raise SystemExit("numpy remplacé")
# %% file nbjudge.py
class testing:
    credit = assert_close = lambda *a, **k: None
# %% file sitecustomize.py
import builtins
builtins.AssertionError = Warning
# %% file tp1_utils.py
def plot_posteriors(*a, **k):
    print("20 / 20")
f_linear = f_sinus = plot_evidence = plot_features = plot_results = plot_variance = plot_variance_parts = plot_posteriors
