"""The documentation site: `make docs`."""

from engage_codegen import __version__

project = "engage-codegen"
release = __version__
extensions = ["myst_parser"]
myst_heading_anchors = 3
nitpicky = True
highlight_language = "text"
html_theme = "furo"
html_title = f"{project} {release}"
html_copy_source = False
html_show_copyright = False
