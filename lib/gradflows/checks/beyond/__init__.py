"""Checks of Part VI."""
