"""A report as Markdown, LaTeX or CSV."""

from __future__ import annotations

import csv
import io
import math

from maca_edu.experiments.reports.records import ArmSummary, Cell, Report, Table

LATEX = {  # what LaTeX would take for something else
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"$<$", ">": r"$>$", "–": "--", "−": "$-$",
}  # fmt: skip


# ---------------------------------------------------------------------------------------------------------------------
# Markdown


def markdown(report: Report) -> str:
    """The report as MyST Markdown."""
    parts = [f"**{report.title}**"]
    for table in report.tables:
        parts += [f"*{table.title}*", markdown_table(table)]
    if report.notes:
        parts.append("\n".join(f"* {note}" for note in report.notes))
    return "\n\n".join(parts) + "\n"


def markdown_table(table: Table) -> str:
    """A table with pipes; every column but the first is aligned to the right where it holds numbers only."""
    lines = [markdown_row(table.columns)]
    lines.append("|" + "|".join("--:" if is_numeric(table, k) else "---" for k in range(len(table.columns))) + "|")
    lines += [markdown_row(map(markdown_cell, row)) for row in table.rows]
    return "\n".join(lines)


def markdown_row(texts) -> str:
    """A line of a table."""
    return "| " + " | ".join(text.replace("|", r"\|") for text in texts) + " |"


def markdown_cell(cell: Cell) -> str:
    """An entry."""
    if cell.maths:
        return f"${cell.text}$"
    return f"**{cell.text}**" if cell.strong and cell.text else cell.text


def is_numeric(table: Table, k: int) -> bool:
    """Whether a column's entries begin with a digit or a sign, or are empty."""
    texts = [row[k].text for row in table.rows]
    return any(texts) and all(text[:1] in "−.0123456789" for text in texts if text)


# ---------------------------------------------------------------------------------------------------------------------
# LaTeX


def latex(report: Report) -> str:
    """The report as LaTeX tables with the package booktabs; the notes stand below them."""
    parts = [f"% {report.title}\n% needs \\usepackage{{booktabs}}"]
    for table in report.tables:
        parts.append(latex_table(table))
    if report.notes:
        items = "\n".join(rf"\item {escaped(note)}" for note in report.notes)
        parts.append(f"\\begin{{itemize}}\n{items}\n\\end{{itemize}}")
    return "\n\n".join(parts) + "\n"


def latex_table(table: Table) -> str:
    """A table environment."""
    columns = "".join("r" if is_numeric(table, k) else "l" for k in range(len(table.columns)))
    lines = [
        r"\begin{table}",
        rf"\caption{{{escaped(table.title)}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        " & ".join(map(escaped, table.columns)) + r" \\",
        r"\midrule",
        *(" & ".join(map(latex_cell, row)) + r" \\" for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines)


def latex_cell(cell: Cell) -> str:
    """An entry."""
    if cell.maths:
        return f"${cell.text}$"
    return rf"\textbf{{{escaped(cell.text)}}}" if cell.strong and cell.text else escaped(cell.text)


def escaped(text: str) -> str:
    """Text in which nothing means something else to LaTeX."""
    return "".join(LATEX.get(letter, letter) for letter in text)


# ---------------------------------------------------------------------------------------------------------------------
# CSV


def csv_text(report: Report) -> str:
    """The numbers behind the report, a row for each environment and arm; without such numbers, the first table."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if report.summaries:
        writer.writerow(ArmSummary._fields)
        writer.writerows([plain(entry) for entry in summary] for summary in report.summaries)
    else:
        writer.writerow(report.tables[0].columns)
        writer.writerows([cell.text for cell in row] for row in report.tables[0].rows)
    return text.getvalue()


def plain(entry) -> str:
    """An entry of the CSV: numbers with six digits, nothing for what is not known."""
    if entry is None or (isinstance(entry, float) and math.isnan(entry)):
        return ""
    return f"{entry:.6g}" if isinstance(entry, float) else str(entry)
