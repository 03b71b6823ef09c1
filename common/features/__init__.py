"""From claims to rows: bounded, stateless, public features."""
