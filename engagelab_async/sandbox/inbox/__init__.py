"""The inbox: a page in the browser that shows what was sent, as it happens.

::

    routes         the paths of the page and of its control API      routes.py
    ├── the page   HTML, CSS and JavaScript                          page/
    ├── stream     changes as server-sent events                     stream.py
    ├── documents  calls and messages as JSON                        documents.py
    └── calls      the sends that were asked for, the newest ones    calls.py
"""
