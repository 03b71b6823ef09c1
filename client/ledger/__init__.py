"""The station's memory of what left: an append-only, hash-chained, signed record that is durable before noise is drawn.

``release``, ``entry``, ``frame``, ``chain``, ``book``, ``spending`` and ``statement`` are pure; ``durable``, ``keys``
and ``vectors`` touch files; ``ledger`` puts them in order and states what they guarantee together.
"""
