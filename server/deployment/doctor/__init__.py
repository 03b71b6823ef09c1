"""What usually goes wrong at a coordinator, and the fix for each."""
