"""Budget over time: which claim entered which window of a stream, and what each person or claim was charged.

``digests``, ``entered``, ``filtering`` and ``choosing`` are pure; ``book`` keeps a file; ``windows`` puts them in order
beside the ledger and states what they guarantee together; ``odometer`` says it to people.
"""
