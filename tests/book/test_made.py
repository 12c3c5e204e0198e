"""The list of figures has every figure, and the index finds terms where they are used and nowhere else."""

import json
import re

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
        ("toke", None),
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
