"""Checks of Part I."""
