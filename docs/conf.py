"""The site: `make docs`. Rows and reference are written by pages.py, from the table and from `__all__`."""

import re
import sys
from pathlib import Path
from textwrap import indent

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import pages  # noqa: E402
from docutils.nodes import SkipNode  # noqa: E402
from latex2mathml.converter import convert  # noqa: E402

from engine import __version__  # noqa: E402

pages.write(HERE / "generated")

project, author, copyright = "chainrule", "the chainrule authors", "the chainrule authors"
version = release = __version__
extensions = ["myst_nb", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
suppress_warnings = ["mystnb.unknown_mime_type"]
nitpick_ignore_regex = [("py:.*", ".*")]  # types are told in words: stubs have them

nb_execution_mode = "off"  # `make notebooks` executes them: what is committed is shown
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "none"

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = "chainrule"
html_static_path = ["static"]
html_css_files = ["chainrule.css"]
html_show_sourcelink = False
html_theme_options = {
    "show_prev_next": False,
    "navbar_align": "left",
    "secondary_sidebar_items": ["page-toc"],
}
html_context = {"default_mode": "auto"}
html_sidebars = {"index": []}


def as_rst(app, what, name, thing, options, lines):
    """Docstrings are plain text for `help`: columns are shown as they are, code in backticks as code."""
    blocks = []
    for block in "\n".join(lines).split("\n\n"):
        if re.search(r"\S {2,}\S", block) and ">>>" not in block:
            blocks.append(".. code-block:: text\n\n" + indent(block, "   "))
        elif ">>>" not in block:
            texts = block.split("`")
            texts[::2] = [re.sub(r"([*|_\\])", r"\\\1", text) for text in texts[::2]]
            blocks.append("``".join(texts))
        else:
            blocks.append(block)
    lines[:] = "\n\n".join(blocks).split("\n")


# Formulas are MathML when the page arrives: no script, no font, nothing from elsewhere.


def inline_formula(translator, node):
    translator.body.append(convert(node.astext()))
    raise SkipNode


def displayed_formula(translator, node):
    translator.body.append(f'<div class="formula">{convert(node.astext(), display="block")}</div>')
    raise SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (inline_formula, None), (displayed_formula, None))
    app.connect("autodoc-process-docstring", as_rst)
