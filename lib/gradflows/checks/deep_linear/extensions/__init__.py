"""Checks of the chapter deep_linear/extensions: discrete time, other losses, other graphs."""
