"""The calls about things that the platform keeps under one path: templates, and signatures.

::

    GET  /v1/sign-configs     list        GET     /v1/sign-configs/{sign_id}     get
    POST /v1/sign-configs     create      PUT     /v1/sign-configs/{sign_id}     update
                                          DELETE  /v1/sign-configs/{sign_id}     delete
"""

from types import GenericAlias, NoneType
from typing import Any

from attrs import frozen

from engagelab_async.operation import Endpoint, Product


@frozen(kw_only=True)
class Resource:
    """Where the things of one kind are, what their calls are named, and which field is their id."""

    product: Product
    name: str
    path: str
    key: str
    kind: type[Any]

    def list(self) -> Endpoint:
        """Make the endpoint that reads all of them."""
        return self._endpoint("list", "GET", GenericAlias(tuple, (self.kind, ...)))

    def get(self) -> Endpoint:
        """Make the endpoint that reads one."""
        return self._endpoint("get", "GET", self.kind, f"/{{{self.key}}}")

    def create(self, result: type[Any] = NoneType) -> Endpoint:
        """Make the endpoint that submits one, and returns its id or nothing."""
        return self._endpoint("create", "POST", result)

    def update(self) -> Endpoint:
        """Make the endpoint that replaces what one says."""
        return self._endpoint("update", "PUT", NoneType, f"/{{{self.key}}}")

    def delete(self) -> Endpoint:
        """Make the endpoint that deletes one."""
        return self._endpoint("delete", "DELETE", NoneType, f"/{{{self.key}}}")

    def _endpoint(self, verb: str, method: str, result: Any, one: str = "") -> Endpoint:  # noqa: ANN401 - what a result may be
        return Endpoint(
            name=f"{self.name}.{verb}",
            product=self.product,
            method=method,
            path=f"{self.path}{one}",
            result=result,
            effect="read" if method == "GET" else "change",
        )
