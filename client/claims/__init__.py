"""Claims in: from a table of any layout to checked claims, every row accounted for."""
