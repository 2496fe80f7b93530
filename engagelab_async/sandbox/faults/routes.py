"""The control API of the faults.

====================================  =============================================================
``GET /sandbox/v1/faults/kinds``      what can go wrong, and presets: ``{"kinds", "presets"}``
``GET /sandbox/v1/faults``            those in force: ``{"faults": [{"number", "struck", …}]}``
``POST /sandbox/v1/faults``           one more: ``{"kind": "reset", "to": "+65*", "times": 3}``
``DELETE /sandbox/v1/faults``         none of them any longer
``DELETE /sandbox/v1/faults/{n}``     one of them no longer
====================================  =============================================================

The fields are those of `Fault`. What goes wrong is answered as by the API, with
``{"code": int, "message": string}``.
"""

import json

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from engagelab_async.sandbox.app import read_body

from .fault import Fault
from .kinds import KINDS
from .presets import PRESETS
from .register import ActiveFault, Faults


def routes(faults: Faults) -> list[BaseRoute]:
    """Make the routes of the control API."""

    async def kinds(_: Request) -> Response:
        return _json(
            {
                "kinds": [kind.as_json(name) for name, kind in KINDS.items()],
                "presets": [preset.as_json() for preset in PRESETS],
            }
        )

    async def show(_: Request) -> Response:
        return _json({"faults": [_document(each) for each in faults]})

    async def add(request: Request) -> Response:
        document = await read_body(request)
        try:
            fault = Fault.from_json(document)
        except (TypeError, ValueError) as error:
            raise HTTPException(400, str(error)) from None
        return _json(_document(ActiveFault(faults.add(fault), fault, 0)), 201)

    async def clear(_: Request) -> Response:
        faults.clear()
        return Response(status_code=204)

    async def remove(request: Request) -> Response:
        try:
            faults.remove(request.path_params["number"])
        except LookupError as error:
            raise HTTPException(404, str(error)) from None
        return Response(status_code=204)

    path = "/sandbox/v1/faults"
    return [
        Route(f"{path}/kinds", kinds, methods=["GET"]),
        Route(path, show, methods=["GET"]),
        Route(path, add, methods=["POST"]),
        Route(path, clear, methods=["DELETE"]),
        Route(f"{path}/{{number:int}}", remove, methods=["DELETE"]),
    ]


def _document(active: ActiveFault) -> dict[str, object]:
    return {"number": active.number, "struck": active.struck, **active.fault.as_json()}


def _json(document: dict[str, object], status: int = 200) -> Response:
    headers = {"cache-control": "no-store"}
    return Response(json.dumps(document), status, headers, "application/json")
