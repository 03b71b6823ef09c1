"""What releases cost, and what they guarantee together."""
