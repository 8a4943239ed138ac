"""Checks of Part II."""
