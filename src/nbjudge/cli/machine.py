"""``nbjudge doctor``."""

from __future__ import annotations

import sys

import click

from nbjudge.cli.common import MACHINE, says_errors


@click.command()
@says_errors
def doctor() -> None:
    """Say what this machine offers: the sandbox, or what stands in its way."""
    from nbjudge.doctor import examine

    found = examine()
    for fact in found.facts:
        click.echo(fact)
    if found.healthy:
        click.echo("The sandbox works: a sealed kernel has started and answered.")
        return
    if found.fault:
        click.echo(f"The sandbox works, but no kernel starts in it: {found.fault}")
    else:
        click.echo(f"The sandbox does not work: {found.diagnosis.cause}")
        click.echo(f"What to do: {found.diagnosis.way_out}")
    sys.exit(MACHINE)
