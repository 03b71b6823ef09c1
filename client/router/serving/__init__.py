"""The router over gRPC: one claim, a stream of claims, or a batch; limits come before parsing."""
