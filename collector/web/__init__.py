"""What people and monitors see of the running program, read-only.

``app`` routes, ``overview`` gathers, ``sparkline`` and ``text`` put it into shape,
``metrics`` counts, ``server`` listens.
"""
