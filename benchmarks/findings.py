"""What a benchmark found: figures with their targets, and the document that shows them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable


@dataclass(frozen=True)
class Target:
    """What a figure should reach, or stay below."""

    bound: float
    at_least: bool
    unit: str = ""

    def is_met(self, value: float) -> bool:
        """Whether a figure, as it was measured and not as it is shown, is good enough."""
        return value >= self.bound if self.at_least else value <= self.bound

    def gap(self, value: float) -> float:
        """Return how much is missing to the target; 0 where it is met."""
        return 0.0 if self.is_met(value) else abs(value - self.bound)

    def __str__(self) -> str:
        return f"at {'least' if self.at_least else 'most'} {figure(self.bound)}{self.unit}"


def at_least(bound: float, unit: str = "") -> Target:
    """Return a target from below."""
    return Target(bound, True, unit)


def at_most(bound: float, unit: str = "") -> Target:
    """Return a target from above."""
    return Target(bound, False, unit)


def figure(value: float) -> str:
    """Return a figure with three digits that mean something.

    >>> [figure(value) for value in (0.01234, 1.2345, 12.345, 1234.5)]
    ['0.0123', '1.23', '12.3', '1234']
    """
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


@dataclass(frozen=True)
class Finding:
    """One figure, and whether it is what was wanted."""

    what: str
    value: float
    target: Target

    @property
    def is_met(self) -> bool:
        """Whether the target is met."""
        return self.target.is_met(self.value)

    @property
    def sentence(self) -> str:
        """The figure, its target and whether it is met, in one sentence."""
        said = f"{self.what}: {figure(self.value)}{self.target.unit} ({self.target}): "
        if self.is_met:
            return f"{said}met."
        return f"{said}missed by {figure(self.target.gap(self.value))}{self.target.unit}."


@dataclass(frozen=True)
class Part:
    """Where some of the time goes."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Profile:
    """Where the time of a benchmark goes, by parts that were measured."""

    title: str
    parts: tuple[Part, ...]

    @property
    def total(self) -> float:
        """The sum of the parts, in seconds."""
        return sum(part.seconds for part in self.parts)

    @property
    def rows(self) -> list[list[str]]:
        """Each part with its seconds and its share."""
        total = self.total
        return [
            [
                part.name,
                figure(part.seconds),
                f"{100 * part.seconds / total:.0f} %" if total else "",
            ]
            for part in self.parts
        ]


@dataclass(frozen=True)
class Section:
    """One benchmark's findings."""

    name: str
    title: str
    findings: tuple[Finding, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """What was measured, as shown."""
    notes: tuple[str, ...]
    """How it was measured, in sentences."""
    commands: tuple[str, ...]
    profiles: tuple[Profile, ...] = ()
    date: str = ""
    machine: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_met(self) -> bool:
        """Whether every target is met."""
        return all(finding.is_met for finding in self.findings)

    @property
    def shown_profiles(self) -> tuple[Profile, ...]:
        """The profiles, where a target is missed: they say why."""
        return () if self.is_met else self.profiles


# Kept from one run to the next.


def save(section: Section, folder: Path) -> None:
    """Keep a section, in place of an earlier one of this name."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{section.name}.json").write_text(json.dumps(asdict(section), indent=1), "utf-8")


def load(name: str, folder: Path) -> Section | None:
    """Return a section that was kept; None where there is none."""
    path = folder / f"{name}.json"
    if not path.is_file():
        return None
    data: dict[str, Any] = json.loads(path.read_text("utf-8"))
    data["findings"] = tuple(
        Finding(f["what"], f["value"], Target(**f["target"])) for f in data["findings"]
    )
    data["profiles"] = tuple(
        Profile(p["title"], tuple(Part(**part) for part in p["parts"])) for p in data["profiles"]
    )
    data["rows"] = tuple(map(tuple, data["rows"]))
    for name_ in ("columns", "notes", "commands"):
        data[name_] = tuple(data[name_])
    return Section(**data)


# Shown.


def show(console: Console, section: Section) -> None:
    """Print a section."""
    console.rule(escape(section.title), align="left")
    console.print(_table(section.columns, section.rows))
    for finding in section.findings:
        colour = "green" if finding.is_met else "red"
        console.print(f"[{colour}]{escape(finding.sentence)}[/]")
    for profile in section.shown_profiles:
        console.print(escape(profile.title))
        console.print(_table(_PROFILE, profile.rows))


_PROFILE = ("where it goes", "s", "share")


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> RichTable:
    table = RichTable(box=None, pad_edge=False)
    for position, column in enumerate(columns):
        table.add_column(escape(column), justify="right" if position else "left")
    for row in rows:
        table.add_row(*map(escape, row))
    return table


_HEAD = """\
# Benchmarks

Generated by `make bench`. Each figure is a ratio or a difference within one run on one machine, on
the same submissions, with one BLAS thread for each process; seconds are of these versions on this
machine and move with it, ratios move less.
"""


def document(sections: Sequence[Section], missing: Sequence[str]) -> str:
    """Return the document.

    Parameters
    ----------
    sections
        All measured on the same machine.
    missing
        Names of benchmarks without figures of this machine and these versions.
    """
    lines = [_HEAD]
    if sections:
        lines += _markdown(("machine and versions", ""), list(sections[0].machine.items()))
        lines.append("")
    lines += _markdown(
        ("benchmark", "measured", "target", ""),
        [
            (
                finding.what,
                f"{figure(finding.value)}{finding.target.unit}",
                str(finding.target),
                "met" if finding.is_met else "**missed**",
            )
            for section in sections
            for finding in section.findings
        ],
    )
    lines.append("")
    for name in missing:
        lines += [f"Not measured on this machine with these versions: `{name}`.", ""]
    for section in sections:
        lines += _section(section)
    return "\n".join(lines).rstrip() + "\n"


def _section(section: Section) -> Iterator[str]:
    yield f"## {section.title}"
    yield ""
    yield from (f"- {finding.sentence}" for finding in section.findings)
    yield ""
    yield from _markdown(section.columns, section.rows)
    yield ""
    yield from section.notes
    yield ""
    for profile in section.shown_profiles:
        yield f"{profile.title}:"
        yield ""
        yield from _markdown(_PROFILE, profile.rows)
        yield ""
    yield f"Measured {section.date} by:"
    yield ""
    yield "```"
    yield from section.commands
    yield "```"
    yield ""


def _markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield "|:--" + "|--:" * (len(columns) - 1) + "|"
    yield from (
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows
    )
