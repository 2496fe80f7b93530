"""The files of the page: plain HTML, CSS and JavaScript modules, served as they are.

::

    index.html          what stands there before anything has come
    look.css            colors, sizes, light and dark; layout.css, detail.css, dialogs.css the rest
    inbox.js            puts the parts together
    ├── feed.js         the stream of events
    ├── store.js        the calls, filtered and searched
    │   ├── search.js   what the search field finds
    │   └── read.js     which calls were looked at
    ├── list.js         the list; draws only the rows that can be seen
    ├── detail.js       the call that is selected
    │   ├── phone.js    as it looks on the phone; segments.js counts the SMS
    │   ├── exchange.js request and response
    │   ├── story.js    what became of it, and the callbacks
    │   └── actions.js  what can be done to it
    ├── faults.js       what is to go wrong
    ├── notify.js       notifications of the browser
    ├── session.js      the token, and calls of the control API
    ├── theme.js        light, dark, or as the system
    ├── words.js        how times, numbers, states and addresses read
    └── dom.js          makes elements; the only way in which text gets into the page

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
