"""Checks of Part IV."""
