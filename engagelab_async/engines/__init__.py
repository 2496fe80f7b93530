"""HTTP engines: one small Protocol, and an engine for each HTTP library."""

from ._choice import HTTP, choose
from ._engine import Engine, Request, Response, current_task, time_limit
from ._loops import Owner
from .httpx import HTTPXEngine

__all__ = [
    "HTTP",
    "Engine",
    "HTTPXEngine",
    "Owner",
    "Request",
    "Response",
    "choose",
    "current_task",
    "time_limit",
]
