"""How Sphinx builds the documentation: MyST pages, furo, a reference made from docstrings."""

from importlib import metadata
from typing import Any

import engagelab_async
from engagelab_async import bulk, distributed, templates, webhooks

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

myst_heading_anchors = 3

napoleon_google_docstring = True
napoleon_numpy_docstring = False
python_maximum_signature_line_length = 80  # characters; longer ones get a line for each argument
python_use_unqualified_type_names = True

# Users know a name by the module that they import it from, not by the one that it was written in.
PUBLIC = (webhooks, distributed, bulk, templates, engagelab_async)
for module in PUBLIC:
    for name in module.__all__:
        public = getattr(module, name)
        if isinstance(public, type):
            public.__module__ = module.__name__

nitpick_ignore_regex = [
    # A lower-case name that is not a function or method of the package is an argument.
    (r"py:obj", r"[a-z_]+"),
    # The build stays off the network, so names of other projects cannot be looked up and linked.
    (r"py:.*", r"(aiohttp|anyio|attrs?|cattrs|fastapi|httpx2?)\..*"),
    (r"py:.*", r"(asyncio|collections|contextlib|datetime|decimal|os|typing)\..*"),
    # The standard library's, as annotations and docstrings write them.
    (r"py:class", r"(bool|bytes|float|int|object|str|tuple|None)"),
    (r"py:class", r"(Any|Callable|Iterable|Mapping|Self|datetime)"),
    (r"py:exc", r"(Lookup|OS|Runtime|Type|Value)Error"),
    # A context manager that is of no use by its name.
    (r"py:class", r"engagelab_async\.testing\.backoff\.WithoutBackoff"),
    # Aliases and a type variable; the text beside them says in words what they stand for.
    (r"py:class", r"(HTTP|Key|Params|Product|R|R_co|Recipient)"),
    # An alias was made of these before they got the module above.
    (r"py:class", r"engagelab_async\.bulk\.outcomes\..*"),
    # `Operation[…]` remembers the module that the class had when it was written.
    (r"py:class", r"engagelab_async\.operation\.Operation"),
    # What a fleet takes, and what its engines are made of.
    (r"py:class", r"AnyOperation|(taskiq|pgqueuer)\..*|engagelab_async\.bulk\.journal\..*State"),
    # A type variable of the coroutines about templates.
    (r"py:class", r"engagelab_async\.template_calls\.T"),
]

# Only what is typed is copied, without the prompt and without what is printed.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = f"{project} {release}"


def find_elsewhere(app: Any, env: Any, node: Any, content: Any) -> Any:  # noqa: ANN401 - Sphinx's own
    """Link a name without its module, as docstrings write it, to the module that has it."""
    python = env.get_domain("py")
    for module in PUBLIC:
        name = f"{module.__name__}.{node['reftarget']}"
        if name in python.objects:
            place = node["refdoc"]
            return python.resolve_xref(env, place, app.builder, "obj", name, node, content)
    return None


def setup(app: Any) -> None:  # noqa: ANN401 - Sphinx's own
    """Register the extensions of these pages with Sphinx."""
    app.connect("missing-reference", find_elsewhere)
