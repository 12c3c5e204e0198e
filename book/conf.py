"""Sphinx configuration of the textbook: `make book`. The built pages need no network and no server."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import sphinxcontrib.bibtex.plugin
from myst_nb.core.render import NbElementRenderer
from myst_nb.ext.glue import crossref
from sphinx.deprecation import RemovedInSphinx10Warning
from sphinxcontrib.bibtex.style.referencing import BracketStyle
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle

warnings.filterwarnings("ignore", category=RemovedInSphinx10Warning)  # sphinx-proof 0.4, on every theorem

HERE = Path(__file__).parent

project = "Multi-agent credit assignment, from a shared reward to MACA"
author = "The maca-edu authors"
project_copyright = "2026, the maca-edu authors"
exclude_patterns = ["_build", "data"]

extensions = ["myst_nb", "sphinx_proof", "sphinxcontrib.bibtex"]

# Texts
myst_enable_extensions = ["amsmath", "attrs_block", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
proof_minimal_theme = True
# Theorem 2.1 is followed by Lemma 2.2; definitions and examples count for themselves
prf_realtyp_to_countertyp = {"corollary": "theorem", "lemma": "theorem", "proposition": "theorem"}
bibtex_bibfiles = ["references.bib"]
bibtex_reference_style = "author_year_round"

# Labs: their stored outputs are shown, nothing is executed but the guide to the cockpit, which asks for it
nb_execution_mode = "off"
nb_merge_streams = True
# In this order: where things are, the loader, the widget manager, which may not ask a server for what it lacks.
nb_ipywidgets_js = {
    "widgets.js": {},
    "vendor/requirejs/require.js": {},
    "vendor/@jupyter-widgets/html-manager/dist/embed-amd.js": {"data-jupyter-widgets-cdn": "not-in-this-book/"},
}

# Pages
html_theme = "sphinx_book_theme"
html_title = project
html_short_title = "maca-edu"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_js_files = ["formulas.js", "names.js"]
html_context = {
    "default_mode": "auto",  # light or dark, as the reader's system is
    "language": "en-GB",  # of the texts; Sphinx's own British messages break the search page
}
html_show_search_summary = False  # it would read the pages found, which a browser does not allow from disk
html_use_index = False
html_domain_indices = False


def provenance() -> str:
    """The command, versions and date behind every number of the book."""
    pins = dict(re.findall(r"^([\w-]+)==(\S+)$", (HERE.parent / "constraints.txt").read_text("utf-8"), re.MULTILINE))
    versions = ", ".join(f"{name} {pins[name.lower()]}" for name in ("NumPy", "SciPy"))
    log = subprocess.run(
        ["git", "log", "-1", "--format=%cs", "--", "../notebooks"], cwd=HERE, capture_output=True, text=True
    )
    date = f" on {log.stdout.strip()}" if log.returncode == 0 and log.stdout.strip() else ""
    return f"Numbers and figures: <code>make notebooks</code>{date}, Python 3.11, {versions}; seeds stand in the labs."


html_theme_options = {
    "logo": {"text": "Multi-agent credit assignment"},
    "show_navbar_depth": 2,
    "use_download_button": True,
    "use_fullscreen_button": False,
    "footer_content_items": "copyright.html, extra-footer.html",
    "extra_footer": (
        "<p>Text and figures: "
        '<a href="https://creativecommons.org/licenses/by/4.0/" rel="license">CC BY 4.0</a>. Code: MIT licence.</p>'
        f"<p>{provenance()}</p>"
    ),
}
mathjax_path = "vendor/mathjax/es5/tex-svg-full.js"
mathjax3_config = {"tex": {"inlineMath": [["\\(", "\\)"], ["$", "$"]]}}  # dollars: as JupyterLab does in outputs


def round_brackets():
    return BracketStyle(left="(", right=")")


@dataclass
class AuthorYearRound(AuthorYearReferenceStyle):
    """Citations as in "(Williams, 1992)" and "Williams (1992)"."""

    bracket_parenthetical: BracketStyle = field(default_factory=round_brackets)
    bracket_textual: BracketStyle = field(default_factory=round_brackets)
    bracket_author: BracketStyle = field(default_factory=round_brackets)
    bracket_label: BracketStyle = field(default_factory=round_brackets)
    bracket_year: BracketStyle = field(default_factory=round_brackets)


sphinxcontrib.bibtex.plugin.register_plugin(
    "sphinxcontrib.bibtex.style.referencing", "author_year_round", AuthorYearRound
)


def keep_alt_text(render_image):
    """Let myst-nb's renderer pass on a figure's alt text, which it drops."""

    def render(self, data):
        images = render_image(self, data)
        for image in images:
            image["alt"] = data.output_metadata.get(data.mime_type, {}).get("alt", image.get("alt", ""))
        return images

    return render


def keep_glued_alt_text(generate_any_nodes):
    """The same for a figure that a text shows with the directive `glue`."""

    def generate(node, output, *args):
        made = generate_any_nodes(node, output, *args)
        for image in made:
            image["alt"] = output.get("metadata", {}).get("image/png", {}).get("alt", image.get("alt", ""))
        return made

    return generate


def print_minus_signs(format_plain_text):
    """Let the numbers that a text quotes have a minus sign instead of a hyphen."""

    def print_text(text, spec):
        printed = format_plain_text(text, spec)
        return printed if spec.endswith("s") else printed.replace("-", "−")

    return print_text


NbElementRenderer.render_image = keep_alt_text(NbElementRenderer.render_image)
crossref.generate_any_nodes = keep_glued_alt_text(crossref.generate_any_nodes)
crossref.format_plain_text = print_minus_signs(crossref.format_plain_text)


def texts_quote_labs(app, env, added, changed, removed):
    """When a lab has changed, every chapter and session page is read again, for it may quote the lab's numbers."""
    labs_changed = any(name.startswith("labs/") for name in added | changed)
    return [name for name in env.found_docs if name.startswith(("chapters/", "teaching/"))] if labs_changed else []


def setup(app):
    sys.path.insert(0, str(HERE))
    from code_line import CodeLine
    from copy_labs import copy_labs
    from made import write
    from stale_pages import pages_to_write_again, remove_stale_files

    def clear(app, exception):
        if exception is None and app.builder.name == "html":
            remove_stale_files(Path(app.outdir), app.env.found_docs)

    def write_again(app, env):
        return pages_to_write_again(Path(app.outdir), env.found_docs) if app.builder.name == "html" else []

    app.add_directive("code-line", CodeLine)
    app.connect("builder-inited", lambda app: copy_labs(HERE.parent / "notebooks", HERE / "labs"))
    app.connect("builder-inited", lambda app: write())
    app.connect("env-get-outdated", texts_quote_labs)
    app.connect("env-updated", write_again)
    app.connect("build-finished", clear)
