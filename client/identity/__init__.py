"""Who this bureau is to the others, and whom it trusts: its key file, its pinned governance, its roster."""
