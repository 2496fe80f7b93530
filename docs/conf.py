"""How Sphinx builds the documentation: MyST pages, furo, a reference made from docstrings."""

from importlib import metadata

project = "engagelab-async"
author = "engagelab-async contributors"
copyright = author  # noqa: A001 - Sphinx reads this name
release = version = metadata.version(project)

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = ["_build"]
default_role = "py:obj"  # `EngageLab` in a docstring is a link; a dead one fails the build

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_numpy_docstring = False

nitpick_ignore_regex = [
    # A lower-case name that is no function or method of ours is an argument.
    (r"py:obj", r"[a-z_]+"),
    # Type variables, and aliases that no page documents.
    (r"py:class", r"R|HTTP|Product"),
    # The build stays off the network, so names of other projects cannot be looked up and linked.
    (r"py:.*", r"(aiohttp|anyio|asyncio|attrs?|cattrs|collections|httpx2?|typing)\..*"),
    (r"py:class", r"(datetime\.)?datetime"),
]

html_theme = "furo"
html_title = f"{project} {release}"
