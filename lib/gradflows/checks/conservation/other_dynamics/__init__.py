"""Checks of the chapter conservation/other_dynamics: momentum, mirrors, attention, steps."""
