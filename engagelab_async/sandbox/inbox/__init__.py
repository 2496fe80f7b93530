"""The inbox: a page in the browser that shows what was sent, as it happens.

::

    routes             what the server serves
    ├── page           HTML, CSS and JavaScript                              page/
    └── Control        the operations of the control API                     control.py
        ├── serving    routes to them, decodes, encodes                      serving.py
        ├── events     changes as server-sent events                         stream.py
        ├── Documents  calls and messages as JSON                            documents.py
        └── Calls      the sends that were asked for, the newest ones, and   calls.py
                       what becomes of their messages, once one is read
"""
