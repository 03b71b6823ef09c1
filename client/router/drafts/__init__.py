"""Payment drafts: what would be paid for a FAST claim. Nothing here pays; two people approve, others execute."""
