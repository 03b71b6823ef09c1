"""Deciding: from rows, findings and what a bureau has accepted to lanes, reasons and records. No file is read here."""
