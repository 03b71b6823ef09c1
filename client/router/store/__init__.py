"""What a router keeps: decisions, what they were made with, what it remembers, and what reviewers said of them."""
