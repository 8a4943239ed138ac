"""Checks of Part III."""
