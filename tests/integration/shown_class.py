"""A small French class whose pages are looked at: right and wrong, hostile, lost and alike."""

from __future__ import annotations

from pathlib import Path

import small_course as sc

from nbjudge.classroom import grade_class

SECRET = "the-secret-comment"
RAN = "document.documentElement.dataset.ran='yes'"
HOSTILE = f"<img src=x onerror={RAN}>"
"""A student's name, and words: letters, digits and what a folder's name may hold."""
SCRIPT = f"</pre></td></script><script>{RAN}</script>{HOSTILE}"
LONG = "une_variable_dont_le_nom_ne_tient_sur_aucun_telephone = " + " + ".join(["1"] * 60)

CELLS = [
    sc.text("# Formes planes\n\nLisez bien.\n\n| grandeur | symbole | unité | explication |\n"
            "|:--|:--|:--|:--|\n| aire | $A$ | mètre carré | ce que couvre la figure |"),
    sc.given("import matplotlib.pyplot as plt\n\nfrom helper import PI"),
    sc.text("## Question 1 ★ (2 points)\N{NO-BREAK SPACE}: l'aire d'un disque\n\n"
            r"$$A(r) = \pi r^2 = \int_0^r 2 \pi s \, ds = \lim_{n \to \infty} \sum_{k=1}^n "
            r"\frac{2 \pi k r^2}{n^2} = \dots$$"),
    sc.answer("area", sc.AREA),
    sc.check(
        "test_area",
        f"""\
assert area(1) > 3, "l'aire du disque unité dépasse 3"
### BEGIN HIDDEN TESTS
# {SECRET}
from nbjudge.testing import assert_close, credit, reference

with credit(0.5, "un petit disque"):
    assert_close(area(2), reference.area(2), what="l'aire d'un petit disque")
with credit(1.5, "un grand disque"):
    assert_close(area(3e5), reference.area(3e5), what="l'aire d'un grand disque")
### END HIDDEN TESTS""",
        2,
    ),
    sc.text("## Question 2 (1 point)\N{NO-BREAK SPACE}: saluer"),
    sc.answer("greet", sc.GREET),
    sc.check("test_greet", sc.TEST_GREET, 1),
    sc.given("figure, axes = plt.subplots()\naxes.plot([0, 1])\nplt.show()"),
    sc.text("## Question 3 (1 point)\N{NO-BREAK SPACE}: expliquer"),
    sc.written("essay", "### BEGIN SOLUTION\nLa réponse modèle.\n### END SOLUTION", 1),
]  # fmt: skip

RIGHT_GREET = "def greet(name):\n    return f'Hello {name}'"
OWN = """\
def area(r):
    slices, total = 400, 0.0
    for k in range(slices):
        left, right = k * r / slices, (k + 1) * r / slices
        total += 2 * PI * (left + right) / 2 * (right - left)
    for again in (left, right, left + right):
        total = total + again * (slices - 400) - (again - again) / (1 + r)
    if r > 1000:
        total = total - (slices % 7) * (r ** 2) / 100 + abs(left - right)
    return total"""
COPIED = OWN.replace("slices", "n").replace("total", "somme")
ANSWERS = {
    "ada.lovelace": {"area": "def area(r):\n    return PI * r * r", "greet": RIGHT_GREET},
    "bob.long": {
        "area": f"def area(r):\n    return PI * min(r, 100.0) ** 2\n\n{LONG}",
        "greet": "def greet(name):\n    raise ValueError('Ada Lovelace, /home/bob/tp.py')",
        "essay": "Un texte " + "long " * 40 + "$" + "x + " * 60 + "x$",
    },
    "chen.wei": {"area": OWN, "greet": RIGHT_GREET},
    "dora.diaz": {"area": COPIED, "greet": "def greet(name):\n    return name"},
    "erik.hansen": {"area": "import os\nos._exit(1)", "greet": RIGHT_GREET},
    HOSTILE: {
        "area": f"def area(r):\n    raise ValueError({SCRIPT!r})\n\nprint({SCRIPT!r})",
        "greet": f"def greet(name):\n    return {SCRIPT!r}",
        "essay": SCRIPT,
    },
}
LOST, LATE = "fay.perdue", "gus.tardif"
ROLL = """\
id;prénom;nom;numéro
ada.lovelace;Ada;Lovelace;20180001
bob.long;Bob;Long;20180002
chen.wei;Wei;Chen;20180003
dora.diaz;Dora;Díaz;20180004
erik.hansen;Erik;Hansen;20180005
fay.perdue;Fay;Perdue;20180006
gus.tardif;Gus;Tardif;20180007
"""


def make(root: Path) -> sc.SmallCourse:
    """Return a graded class; one submission came after it was graded."""
    made = sc.make_course(root, options="language='fr',", notebooks={"formes": CELLS})
    (root / "source" / sc.NAME / "helper.py").write_text(sc.HELPER, "utf-8")
    (root / "students.csv").write_text(ROLL, "utf-8")
    for student, answers in ANSWERS.items():
        made.submit(student, {"formes": answers})
    (made.submit(LOST, {"formes": {}}) / "formes.ipynb").write_bytes(b"%PDF-1.4")
    report = grade_class(made.course, sc.NAME, workers=2)
    assert report.failed == {}
    made.submit(LATE, {"formes": {}})
    return made
