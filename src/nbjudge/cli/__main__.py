"""``python -m nbjudge.cli``."""

from nbjudge.cli import main

main(prog_name="nbjudge")
