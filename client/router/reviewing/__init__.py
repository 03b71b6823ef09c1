"""What people find, and what the router makes of it: calibration, cards, habits, and how often it was wrong."""
