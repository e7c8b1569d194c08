"""nbgrader is loaded without the grammars that it does not need; whoever needs them has them."""

import json
import subprocess
import sys

SCRIPT = """
import json, sys
from nbjudge.imports import load_jsonschema

load_jsonschema()
import nbgrader.api, nbformat
from jsonschema import Draft7Validator, FormatChecker
loaded = sorted(m for m in sys.modules if m.startswith("rfc3987_syntax"))
formats = sorted(FormatChecker.checkers)
from rfc3987_syntax import is_valid_syntax
print(json.dumps([loaded, formats, is_valid_syntax("iri", "https://a.org/é")]))
"""
PLAIN = """
import json
from jsonschema import FormatChecker
print(json.dumps(sorted(FormatChecker.checkers)))
"""


def said(script):
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_nbgrader_is_loaded_without_the_grammars_of_iris_and_nothing_else_is_lost():
    loaded, formats, valid = said(SCRIPT)

    assert loaded == []
    assert valid is True
    assert set(said(PLAIN)) - set(formats) == {"iri", "iri-reference"}


def test_what_is_loaded_already_stays():
    script = (
        "import rfc3987_syntax, sys\nfrom nbjudge.imports import load_jsonschema\n"
        "load_jsonschema()\nprint(int(sys.modules['rfc3987_syntax'] is rfc3987_syntax))"
    )

    assert said(script) == 1
