"""Streams on a virtual clock: many windows in minutes, with exact noise, without messages or with them."""
