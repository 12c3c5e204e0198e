"""The list of figures and the index: made of the texts, the labs and the glossary at every build.

python book/made.py      # writes book/_build/made/figures.md and terms.md, which two pages include
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from chapter_map import svg

BOOK = Path(__file__).parent
MADE = BOOK / "_build" / "made"
VIEW = "application/vnd.jupyter.widget-view+json"
HEADING = re.compile(r"^#{1,3} (.+)$", re.MULTILINE)
GLUED = re.compile(r"^```\{glue\} (\w+)\n.*?^```$\n+(?:^\*(.+?)\*$)?", re.MULTILINE | re.DOTALL)
IMAGE = re.compile(r"^!\[(.+?)\]\((.+?)\)$\n+(?:^\*(.+?)\*$)?", re.MULTILINE | re.DOTALL)
SUMMARY = re.compile(r"^:class: summary\n(.+?)^:::", re.MULTILINE | re.DOTALL)
RESULT = re.compile(r"^:+\{prf:(\w+)\} (.+)\n:label: (\S+)$", re.MULTILINE)
ASIDE = (
    "Predict",
    "Summary",
    "Historical note",
    "Where it comes from",
    "Further reading",
)  # no places to look a term up
EXPLORERS = {
    "console": "a console for the joint action",
    "frames": "pictures with a slider",
    "psi_explorer": "the psi explorer",
    "sigma_explorer": "the sigma explorer",
    "replay": "a player with credit at every step",
    "battle_frames": "a battle, step by step",
    "sigma_frames": "CorrSets in a battle, with a slider for the threshold",
}
OFTEN = 0.6  # a term that more of the chapters use is said to be used throughout


class Figure(NamedTuple):
    """A picture of a lab, or an explorer that moves."""

    section: str  # the heading above it
    name: str  # under which a text shows it; "" if none does
    alt: str  # "" for an explorer
    explorer: str  # what moves in it; "" for a picture


class Term(NamedTuple):
    """An entry of the glossary."""

    name: str
    where: str  # Markdown: the place that its definition points to; "" where it says all


def title(text: str) -> str:
    """The first heading of a page."""
    return HEADING.search(text)[1]


def slug(heading: str) -> str:
    """The place of a heading on its page, as MyST names it."""
    words = re.sub(r"\$[^$]*\$|[*`]", "", heading).strip().lower().replace(" ", "-")
    return re.sub(r"[^\w\u4e00-\u9fff-]", "", words)


def chapters() -> dict[str, str]:
    """The text of every chapter, by its name, "01_who_carried_the_fridge"."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted((BOOK / "chapters").glob("[0-9]*.md"))}


def is_text(cell: dict) -> bool:
    """Whether a lab's cell is no code."""
    return cell["cell_type"] == "markdown"


def figures(lab: Path) -> Iterator[Figure]:
    """The figures of a lab, from the first to the last."""
    section = ""
    for cell in json.loads(lab.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if is_text(cell):
            section = (HEADING.findall(source) or [section])[-1]
            continue
        for output in cell.get("outputs", []):
            data, about = output.get("data", {}), output.get("metadata", {})
            if "image/png" in data:
                yield Figure(section, about.get("scrapbook", {}).get("name", ""), about["image/png"]["alt"], "")
            elif VIEW in data:
                explorer = re.findall(r"^(\w+)\(", source, re.MULTILINE)[-1]
                yield Figure(section, "", "", EXPLORERS.get(explorer, explorer.replace("_", " ")))


def from_the_top(markdown: str) -> str:
    """The links of a text in a folder of the book, as they are written at the top."""
    return markdown.replace("`../", "`").replace("](../", "](")


def item(words: str, place: str, alt: str, caption: str = "") -> str:
    """A line of the list of figures."""
    shown = f" {caption.strip()}" if caption else ""
    return f"* [{words}]({place}).{shown} *In words:* {alt}"


def figure_list() -> str:
    """The figures of every chapter with its lab, then those of the guides."""
    lines = []
    for name, text in chapters().items():
        captions = {glued: from_the_top(caption) for glued, caption in GLUED.findall(text)}
        lines += ["", f"## {int(name[:2])}. {title(text)}", ""]
        for figure in figures(BOOK.parent / "notebooks" / f"{name}.ipynb"):
            place = f"labs/{name}.ipynb#{slug(figure.section)}"
            if figure.explorer:
                lines.append(f"* [{figure.section}]({place}). It moves: {figure.explorer}.")
            else:
                lines.append(item(figure.section, place, figure.alt, captions.get(figure.name, "")))
    lines += ["", "## Guides", ""]
    for path in sorted((BOOK / "guides").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        for alt, _, caption in IMAGE.findall(text):
            lines.append(item(title(text), f"guides/{path.name}", alt, from_the_top(caption)))
    return "\n".join(lines[1:]) + "\n"


def glossary() -> list[Term]:
    """The glossary's entries."""
    text = (BOOK / "glossary.md").read_text(encoding="utf-8")
    entries = re.findall(r"^(?!\{)(\S.*)\n: (.+)$", text, re.MULTILINE)
    return [
        Term(name, (re.findall(r"\(([^()]*(?:`[^`]+`|\]\([^)]+\)).*?)\)$", said) or [""])[0]) for name, said in entries
    ]


def prose(text: str) -> str:
    """A text without formulas, code, labels of references and numbers that are quoted from labs."""
    text = re.sub(r"^ *(`{3,}).*?^ *\1$|\$\$.*?\$\$", " ", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"\$[^$]+\$|`[^`]*`|\]\([^)]*\)", " ", text)


def first_use(term: str, text: str) -> str | None:
    """The heading under which a text first uses a term, also in the plural; None where it does not."""
    pattern = re.compile(rf"(?<![\w-]){re.escape(term)}(?:s|es)?(?![\w-])", re.IGNORECASE)
    for part in re.split(r"^(?=#{1,3} )", text, flags=re.MULTILINE):
        heading = HEADING.match(part)
        if heading and heading[1] not in ASIDE and pattern.search(prose(part)):
            return heading[1]
    return None


def uses(term: str, texts: dict[str, str]) -> str:
    """Links to the chapters that use a term, each to the section where it does so first."""
    found = {name: first_use(term, text) for name, text in texts.items()}
    found = {name: heading for name, heading in found.items() if heading}
    links = [f"[{int(name[:2])}](chapters/{name}.md#{slug(heading)})" for name, heading in found.items()]
    if len(links) > OFTEN * len(texts):
        return f"throughout, from {links[0]}"
    return ", ".join(links)


def term_list() -> str:
    """The terms of the glossary with their places, then the definitions and theorems of every chapter."""
    texts = chapters()
    lines = ["## Terms", "", "| Term | Defined or measured | Chapters |", "|:--|:--|:--|"]
    for term in sorted(glossary(), key=lambda term: term.name.lower()):
        lines.append(f"| {term.name} | {term.where or '[glossary](glossary.md)'} | {uses(term.name, texts)} |")
    lines += ["", "## Definitions and theorems", ""]
    for name, text in texts.items():
        results = [f"{{prf:ref}}`{label}` {words}" for _, words, label in RESULT.findall(text)]
        lines += [f"[{int(name[:2])}. {title(text)}](chapters/{name}.md)", ": " + "; ".join(results), ""]
    return "\n".join(lines)


def claims_section(lab: Path) -> str:
    """The heading of a lab under which its claims are asserted."""
    section = ""
    for cell in json.loads(lab.read_text(encoding="utf-8"))["cells"]:
        if "claim" in cell["metadata"].get("tags", []):
            return section
        section = (HEADING.findall("".join(cell["source"])) or [section])[-1] if is_text(cell) else section
    raise ValueError(f"{lab} asserts no claim: it has no cell with the tag claim")


def claim_list() -> str:
    """The claims of every chapter, where its lab asserts them, and the command that runs the lab again."""
    lines = []
    for name, text in chapters().items():
        place = f"labs/{name}.ipynb#{slug(claims_section(BOOK.parent / 'notebooks' / f'{name}.ipynb'))}"
        lines += [f"### {int(name[:2])}. {title(text)}", "", from_the_top(SUMMARY.search(text)[1].strip()), ""]
        lines += [f"[The chapter](chapters/{name}.md) proves or measures them, [its lab]({place}) asserts them:", ""]
        lines += [
            "```bash",
            f"pytest --nbval notebooks/{name}.ipynb --nbval-sanitize-with notebooks/sanitize.cfg",
            "```",
            "",
        ]
    return "\n".join(lines)


def made_by(folder: Path) -> list[str]:
    """The commands that made the results in a folder of book/data, as they were left beside them."""
    said = [folder / "README"] if (folder / "README").exists() else []
    words = [path.read_text(encoding="utf-8").strip() for path in said]
    for path in sorted(folder.rglob("*.json")):
        about = json.loads(path.read_text(encoding="utf-8"))
        if "command" in about:
            inside = path.parent.relative_to(folder).as_posix()
            words.append(f"{'' if inside == '.' else inside + ': '}{about['command']}    ({about['date']})")
    return words


def data_list() -> str:
    """Every folder of committed results: its commands, and the prediction that was written before."""
    lines = []
    for folder in sorted(path for path in (BOOK / "data").iterdir() if path.is_dir()):
        lines += [f"(data-{folder.name.replace('_', '-')})=", f"### {folder.name}", ""]
        commands = made_by(folder)
        lines += ["```text", *commands, "```", ""] if commands else ["There are no results yet.", ""]
        if (folder / "prediction.txt").exists():
            lines += ["<details><summary>The prediction, written before the runs</summary>", ""]
            lines += [f"```{{literalinclude}} data/{folder.name}/prediction.txt", ":language: text", "```", ""]
            lines += ["</details>", ""]
    return "\n".join(lines)


def write_if_changed(file: Path, text: str) -> None:
    """Write a file unless it holds this text: Sphinx reads a page again when a file that it includes is newer."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        file.write_text(text, encoding="utf-8")


def write() -> None:
    """All of it, where the pages include it from."""
    write_if_changed(MADE / "claims.md", claim_list())
    write_if_changed(MADE / "data.md", data_list())
    write_if_changed(MADE / "chapter_map.html", f'<div class="map">{svg()}</div>\n')
    write_if_changed(MADE / "figures.md", figure_list())
    write_if_changed(MADE / "terms.md", term_list())


if __name__ == "__main__":
    write()
