"""What usually goes wrong with a station, and the fix for each."""
