"""Where claims come from: files, read in batches, within limits."""
