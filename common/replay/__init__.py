"""Replaying a session of masked sums from its transcript: everything that was signed, opened and asked, once more.

Nothing here needs a secret; whoever has the transcript and the consortium's roster can do it.
"""
