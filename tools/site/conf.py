"""Sphinx's settings for the course's site; tools/site copies this file beside the pages."""

project = "From recurrent networks to variational autoencoders"
author = "The authors of the course"
html_title = "RNN to VAE"
language = "en"

extensions = ["myst_nb"]
nb_execution_mode = "off"
nb_merge_streams = True
# The explorers are played by player.js, so no widget library is loaded.
nb_ipywidgets_js = {}
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 3
# A lesson's headings may skip a level, after an exercise for example.
suppress_warnings = ["myst.header"]

html_theme = "furo"
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5c8f", "color-brand-content": "#0b5c8f"},
    "dark_css_variables": {"color-brand-primary": "#7cc4f0", "color-brand-content": "#7cc4f0"},
    "navigation_with_keys": False,
}
pygments_style = "default"
pygments_dark_style = "github-dark"
templates_path = ["templates"]
html_static_path = ["_static"]
html_favicon = "favicon.svg"
html_css_files = ["fonts.css", "site.css", "live/live.css"]
html_js_files = [(name, {"defer": "defer"}) for name in ("formulas.js", "site.js", "player.js", "live/live.js")]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
html_use_index = False
# A summary would be fetched from the page, which a browser refuses for files.
html_show_search_summary = False

mathjax_path = "tex-svg-full.js"
mathjax3_config = {
    "tex": {"inlineMath": [["\\(", "\\)"]], "displayMath": [["\\[", "\\]"]], "processEscapes": True},
    "svg": {"fontCache": "global"},
    "options": {"enableMenu": False},
}
