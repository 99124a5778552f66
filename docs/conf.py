"""Sphinx configuration of the site; scripts/build-docs uses it."""

from sinch_reporting.version import __version__

project = "sinch-reporting"
release = __version__
copyright = "2026, the sinch-reporting authors"  # noqa: A001 - Sphinx's name

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["examples"]

html_theme = "furo"
pygments_dark_style = "a11y-dark"  # Furo's default underlines imports, as links
html_title = f"sinch-reporting {release}"
html_theme_options = {"top_of_page_buttons": []}
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False

# The pages' links to headings also work on GitHub.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

default_role = "code"  # docstrings have Markdown's single backticks
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"
autodoc_inherit_docstrings = False
napoleon_numpy_docstring = False
napoleon_use_rtype = False
