"""Faults on demand: what goes wrong between a program and the API, and when.

::

    FaultPlayer      an ASGI app in front of the API that plays them     player.py
    ├── Faults       those in force; decides whether one strikes         register.py
    │   └── Fault    what goes wrong, in which calls, how often          fault.py
    ├── KINDS        every kind of fault: its fields, how it is played   kinds.py
    ├── PRESETS      faults with a name                                  presets.py
    └── Wire         breaks connections, which ASGI cannot               wire.py
"""
