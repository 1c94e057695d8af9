"""The documentation as a site: ``sphinx-build -W -n docs site``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

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

ROOT = Path(__file__).parents[1]
PAGES = {"CONTRIBUTING.md": "contributing.md", "diagrams/README.md": "gallery.md"}
"""Pages outside this folder, and the pages of the site that show them."""
OUTSIDE = re.compile(r"\[([^\]]*)\]\(((?:\.\./)+([^)#:]+))(#[^)]*)?\)")


def read_source(app: Any, name: str, source: list[str]) -> None:
    """Make links that are meant for the repository lead somewhere in the site too."""
    for outside, inside in PAGES.items():
        if name == inside.removesuffix(".md"):
            text = (ROOT / outside).read_text(encoding="utf-8")
            folder = Path("..", outside).parent
            source[0] = re.sub(r"\]\((?!https?:)(?!docs/)", f"]({folder}/", text)
            source[0] = source[0].replace("](docs/", "](").replace("](../docs/", "](")
    up = "../" * name.count("/")

    def inside_of(link: re.Match[str]) -> str:
        text, target, path, anchor = link[1], link[2], link[3], link[4] or ""
        if path in PAGES:
            return f"[{text}]({up}{PAGES[path]}{anchor})"
        if (ROOT / path).is_dir():
            return text  # the site has files, and no folders
        outside = path.endswith(".md") and not (ROOT / "docs" / path).exists()
        return f"[{text}](<path:{target}>)" if outside else link[0]

    source[0] = OUTSIDE.sub(inside_of, source[0])


def setup(app: Any) -> None:
    app.connect("source-read", read_source)
