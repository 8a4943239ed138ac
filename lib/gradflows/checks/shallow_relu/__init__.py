"""Checks of Part V."""
