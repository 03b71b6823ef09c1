"""Who belongs together: identities that sign, and the roster of members that governance keys have signed."""
