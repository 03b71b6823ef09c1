"""A station's side of masked sums: terms, members, model check, and what is kept of a session."""
