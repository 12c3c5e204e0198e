"""The list of figures has every figure, and the index finds terms where they are used and nowhere else."""

import json
import re
import subprocess
import sys

import made
import pytest
from made import BOOK, chapters, figures, first_use, slug, uses

TEXT = """(label)=
# A *title* with `code`

## Predict

Is a token here? No, only in a place where nobody looks a term up.

## With $\\psi$ in it

$$
token
$$

`token` and [words](token.md), {prf:ref}`token`, tokenise, and my-token.

### The third

Tokens of each agent.

## Further reading

A COMA.
"""


def test_the_list_has_every_picture_and_every_explorer_of_every_chapters_lab():
    listed, drawn = made.figure_list(), 0
    for name in chapters():
        notebook = json.loads((BOOK.parent / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))
        shown = [output for cell in notebook["cells"] for output in cell.get("outputs", ()) if "data" in output]
        alts = [output["metadata"]["image/png"]["alt"] for output in shown if "image/png" in output["data"]]
        assert [alt for alt in alts if f"*In words:* {alt}\n" not in listed] == []
        moving = sum(made.VIEW in output["data"] for output in shown)
        assert listed.count(f"(labs/{name}.ipynb#") == len(alts) + moving
        drawn += len(alts)
    assert drawn > 70


def test_every_figure_that_a_chapter_shows_has_its_caption_in_the_list():
    listed = made.figure_list()
    for name, text in chapters().items():
        named = {figure.name for figure in figures(BOOK.parent / "notebooks" / f"{name}.ipynb")} - {""}
        glued = dict(made.GLUED.findall(text))
        assert glued.keys() <= named
        for caption in filter(None, glued.values()):
            assert made.from_the_top(caption).strip() in listed


def test_every_picture_of_the_guides_is_listed():
    listed = made.figure_list()
    for path in (BOOK / "guides").glob("*.md"):
        for alt in re.findall(r"^!\[(.+?)\]\(", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            assert f"*In words:* {alt}\n" in listed


def test_every_term_of_the_glossary_is_in_the_index_with_a_place():
    entries = re.findall(r"^(?!\{)(\S.*)\n: ", (BOOK / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    rows = re.findall(r"^\| (.+?) \| (.+?) \|", made.term_list(), re.MULTILINE)[1:]
    assert sorted(term for term, _ in rows) == sorted(entries)
    assert all(re.search(r"`[\w-]+`|\]\(.+\.md\)", where) for _, where in rows)


def test_every_definition_and_theorem_is_in_the_index():
    labels = re.findall(r"^:label: (\S+)$", "\n".join(chapters().values()), re.MULTILINE)
    assert len(labels) > 100
    assert re.findall(r"\{prf:ref\}`([^`]+)`", made.term_list().split("## Definitions")[1]) == labels


@pytest.mark.parametrize(
    ("term", "heading"),
    [
        ("token", "The third"),
        ("agent", "The third"),
        ("COMA", None),
        ("title", "A *title* with `code`"),
        ("ken", None),
    ],
)
def test_a_term_is_found_where_a_text_first_uses_it(term, heading):
    assert first_use(term, TEXT) == heading


def test_uses_lead_to_sections_and_a_term_of_most_chapters_is_used_throughout():
    texts = {"01_a": TEXT, "02_b": "# Second\n\nNothing.\n", "03_c": "# Third\n\nNothing.\n"}
    assert uses("token", texts) == "[1](chapters/01_a.md#the-third)"
    assert uses("nothing", texts) == "throughout, from [2](chapters/02_b.md#second)"
    assert uses("unheard", texts) == ""


@pytest.mark.parametrize(
    ("heading", "place"),
    [
        ("What $\\psi$ is worth to one update", "what--is-worth-to-one-update"),
        ("3. What if?", "3-what-if"),
        ("`a` *b*", "a-b"),
    ],
)
def test_places_are_named_as_myst_names_them(heading, place):
    assert slug(heading) == place


def test_every_chapter_has_its_five_claims_its_lab_and_a_command():
    claims = made.claim_list()
    for name, text in chapters().items():
        summary = text.split(":class: summary\n")[1].split(":::")[0]
        assert len(re.findall(r"^\d\. ", summary, re.MULTILINE)) == 5
        assert made.from_the_top(summary.strip()) in claims
        assert f"pytest --nbval notebooks/{name}.ipynb " in claims


def test_a_labs_claims_are_found_under_their_heading(tmp_path):
    cells = [
        ("markdown", "# Lab\n\n## One", []),
        ("code", "1", []),
        ("markdown", "## Two", []),
        ("code", "2", ["claim"]),
    ]
    cells = [{"cell_type": kind, "source": [text], "metadata": {"tags": tags}} for kind, text, tags in cells]
    (tmp_path / "lab.ipynb").write_text(json.dumps({"cells": cells}))
    assert made.claims_section(tmp_path / "lab.ipynb") == "Two"
    (tmp_path / "lab.ipynb").write_text(json.dumps({"cells": cells[:3]}))
    with pytest.raises(ValueError, match="asserts no claim"):
        made.claims_section(tmp_path / "lab.ipynb")


@pytest.mark.parametrize(
    "folder", [path for path in (BOOK / "data").iterdir() if path.is_dir()], ids=lambda path: path.name
)
def test_results_that_are_committed_have_the_command_that_made_them(folder):
    results = [path for path in folder.rglob("*.*") if path.name != "prediction.txt"]
    assert made.made_by(folder) or not results


def test_every_guide_is_among_the_claims_and_every_command_exists():
    text = (BOOK / "claims.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[.+?\]\(guides/(\w+)\.md\) \| .+ \| (.+) \|$", text, re.MULTILINE)
    assert sorted(guide for guide, _ in rows) == sorted(path.stem for path in (BOOK / "guides").glob("*.md"))
    words = "\n".join([*(commands for _, commands in rows), text.split("\n## Guides")[1], made.claim_list()])
    files = re.findall(r"\b(?:book|tests|notebooks)/[\w/]+\.\w+", words)
    assert len(files) > 10
    assert [file for file in files if not (BOOK.parent / file).exists()] == []
    assert set(re.findall(r"maca-edu ([a-z][a-z-]+)", words)) <= set(cli_commands())
    for target in re.findall(r"`make ([\w-]+)`", text):
        assert f"\n{target}:" in (BOOK.parent / "Makefile").read_text(encoding="utf-8")


def cli_commands():
    """What `maca-edu` knows, as its help says."""
    run = subprocess.run([sys.executable, "-m", "maca_edu", "--help"], capture_output=True, text=True, check=True)
    return re.findall(r"[a-z][a-z-]+", run.stdout)


def test_data_that_a_page_names_has_a_place_on_the_page_of_claims():
    places = set(re.findall(r"^\((data-[\w-]+)\)=$", made.data_list(), re.MULTILINE))
    for path in BOOK.rglob("*.md"):
        if not {"_build", "labs"} & set(path.parts):
            named = re.findall(r"#(data-[\w-]+)\)", path.read_text(encoding="utf-8"))
            assert set(named) <= places, path
