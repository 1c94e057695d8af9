"""The documentation as a site: ``sphinx-build -W -n docs site``."""

from __future__ import annotations

from slotspec.version import __version__

project = "slotspec"
copyright = "the authors of slotspec"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode", "sphinx_copybutton"]
exclude_patterns = ["**/*.py", "_build"]
root_doc = "index"

html_theme = "furo"
html_title = "slotspec"
html_static_path: list[str] = []
html_show_sourcelink = False
html_theme_options = {"top_of_page_buttons": []}

# headings are link targets, as on GitHub
myst_heading_anchors = 4
myst_enable_extensions = ["deflist"]
# comments before a block say how the tests run it
suppress_warnings = ["myst.header"]

autodoc_typehints = "description"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": False}

copybutton_exclude = ".linenos, .gp, .go"
