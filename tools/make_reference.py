"""Make docs/reference/cli.md and docs/reference/dossier.md from the code: python tools/make_reference.py [FOLDER]."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import typer

from betweengiants.cli.app import app
from betweengiants.core.units import UNITS
from betweengiants.dossier import schema

FOLDER = Path(__file__).parent.parent / "docs" / "reference"


def commands(command: Any, name: str) -> list[tuple[str, Any]]:
    """All runnable commands below `command` with their full names."""
    children = getattr(command, "commands", None)
    if children is None:
        return [(name, command)]
    return [found for child, sub in children.items() for found in commands(sub, f"{name} {child}")]


def cli_page() -> str:
    """Every command with its options and example."""
    lines = [
        "# Reference: command line",
        "",
        "Exit codes: 0 done, 1 the answer is negative (a check failed), 2 bad input or usage, 3 no solution. Numbers in "
        "csv, json and parquet are unrounded.",
    ]
    for name, command in commands(typer.main.get_command(app), "betweengiants"):
        lines += ["", f"## {name}", "", _paragraph(command.help), ""]
        lines += ["| parameter | meaning |", "| --- | --- |"]
        lines += [_row(parameter) for parameter in command.params if not getattr(parameter, "hidden", False)]
        if command.epilog:
            lines += ["", f"{_paragraph(command.epilog)}"]
    return "\n".join(lines) + "\n"


def dossier_page() -> str:
    """Every table and column of a dossier."""
    lines = [
        "# Reference: layout of a dossier",
        "",
        "A dossier is a Frictionless Data Package: a folder (or zip) with `datapackage.json` and CSV tables in UTF-8. "
        "`betweengiants dossier pack FOLDER` writes the descriptor's table part; name, title, version, focal state, "
        "powers and base year stand in it by hand. Keys are in bold; `;` after a reference means a list joined by semicolons.",
        "",
        f"Required tables: {', '.join(f'`{t}`' for t in schema.REQUIRED_TABLES)}. Warnings: {', '.join(schema.WARNINGS)}.",
        "",
        f"Units: {', '.join(f'`{unit}`' for unit in UNITS)}.",
    ]
    for table, fields in schema.tables().items():
        lines += [
            "",
            f"## {table}",
            "",
            "| column | type | required | allowed | meaning |",
            "| --- | --- | --- | --- | --- |",
        ]
        for field in fields:
            name = f"**{field.name}**" if field.key else field.name
            needed = "yes" if field.required else "column may be absent" if field.optional else ""
            lines.append(f"| {name} | {field.kind} | {needed} | {_allowed(field)} | {field.description} |")
    return "\n".join(lines) + "\n"


def _allowed(field: schema.Field) -> str:
    if field.enum:
        return ", ".join(field.enum)
    if field.reference:
        return field.reference + (";" if field.is_list else "")
    bounds = [f"{bound:g}" if bound is not None else "" for bound in (field.minimum, field.maximum)]
    return " to ".join(bounds).strip() if any(bounds) else ""


def _row(parameter: Any) -> str:
    names = ", ".join(f"`{option}`" for option in (*parameter.opts, *parameter.secondary_opts))
    if parameter.param_type_name == "argument":
        names = f"`{parameter.metavar or parameter.name.upper()}`"
    described = getattr(parameter, "type_descriptor", None)
    members = getattr(getattr(described, "annotation", None), "__members__", {})
    listed = [member.value for member in members.values()]
    told = _paragraph(getattr(parameter, "help", "") or "")
    more = f" One of {', '.join(listed)}." if listed else ""
    default = parameter.default
    if (
        default is not None
        and not callable(default)
        and str(default) not in ("", "False", "()", "[]", "Sentinel.UNSET")
    ):
        more += f" Default: {getattr(default, 'value', default)}."
    return f"| {names} | {(told + more).replace('|', '/')} |"


def _paragraph(text: str | None) -> str:
    return " ".join((text or "").split())


def main() -> None:
    """Write both pages."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    (folder / "cli.md").write_text(cli_page(), encoding="utf-8")
    (folder / "dossier.md").write_text(dossier_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
