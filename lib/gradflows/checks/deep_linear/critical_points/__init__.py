"""Checks of the chapter deep_linear/critical_points, on integer networks in block form."""
