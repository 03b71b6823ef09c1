"""Tests of claims entering windows of a stream."""
