"""The coordinator's side of the roster: drafting its versions, having them signed, knowing which one counts."""
