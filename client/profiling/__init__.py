"""Look at a file before it is mapped: what its columns are, and which mapping would fit."""
