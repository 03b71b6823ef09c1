"""From Arrow columns as they come to arrays of checked values; every function is vectorised and pure."""
