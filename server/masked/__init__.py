"""The coordinator's side of masked sums: steps of a session, what may go wrong in each, and the transcript."""
