"""What a bureau's people type about the router."""
