"""The files of the page: plain HTML, CSS and JavaScript modules, served as they are.

::

    the stream of events ──┐                       ┌──► list.js    the rows that can be seen
    what the user does   ──┴► state.js ─► inbox.js ┴──► detail.js  the selected call
                              search.js                 phone.js, json.js

Whatever happens changes the state, and `inbox.js` has the page drawn from it. Views describe
elements by values; `dom.js` makes the page what they say, and is the only way in which text gets
into it. `faults.js` and `notify.js` have parts of the page to themselves; `session.js` calls the
control API; `words.js` says how times, numbers and states read.

The address ``/#call=7`` is that of a call, ``/#call=7&message=12`` that of a message of a plan.
The policy lets the browser load nothing from elsewhere, and treat no string as HTML or as a script.
"""

from importlib import resources
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

_TYPES: Final = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_HEADERS: Final = {
    "cache-control": "no-cache",
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


async def page_file(request: Request) -> Response:
    """Answer with a file of the page."""
    name = request.path_params.get("name", "index.html")
    media_type = _TYPES.get(name.rpartition(".")[2])
    # A name of one segment, with an ending that no other file here has.
    file = resources.files(__package__) / name
    if media_type is None or not file.is_file():
        raise HTTPException(404)
    return Response(file.read_bytes(), 200, _HEADERS, media_type)
