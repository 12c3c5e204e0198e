"""The directive `code-line`: a function of ours as it stands in its file, with the line that matters marked.

    ```{code-line} maca_edu/credit/mixture.py mix
    return (psi * baselines.permute(1, 2, 0)).sum(dim=-1)
    ```

The line is named by its text, and its number is looked up at every build. So a page cannot point to a wrong line: where
the text is gone, or stands twice in the function, the build fails.
"""

from __future__ import annotations

from code_places import place
from sphinx.directives.code import LiteralInclude


class CodeLine(LiteralInclude):
    """Arguments: the file, from the repository's root, and the function. Content: the line."""

    required_arguments = 2
    has_content = True
    option_spec = None

    def run(self):
        file, name = self.arguments
        try:
            at = place(file, name, self.content[0].strip())
        except (ValueError, OSError) as error:
            raise self.error(str(error)) from None
        self.arguments = [f"/../{file}"]
        self.options = {
            "caption": f"{file}, line {at.line}, in {name}",
            "lines": f"{at.first}-{at.last}",
            "lineno-match": None,
            "emphasize-lines": str(at.line - at.first + 1),
            "dedent": None,
        }
        return super().run()
