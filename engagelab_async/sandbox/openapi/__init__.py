"""The API in OpenAPI 3.1: one document for each product, written from the vendor's pages.

::

    document(product)      info, servers, paths, webhooks, components
    ├── OTP                codes, custom messages                                  otp.py
    │   └── templates                                                              otp_templates.py
    ├── SMS                sends, templates, signatures                            sms.py
    ├── one operation      its body, its answer, its refusals                      _operations.py
    ├── callbacks          what the platform sends, as webhooks                    callbacks.py
    └── words              for JSON Schemas                                        _schemas.py

The sandbox serves them under ``/otp/openapi.json`` and ``/sms/openapi.json``.
"""

from ._document import document

__all__ = ["document"]
