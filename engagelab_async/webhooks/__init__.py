"""Callbacks, received: what became of a message, and what else the platform has to say."""

from .signatures import SIGNATURE_HEADER, sign

__all__ = ["SIGNATURE_HEADER", "sign"]
