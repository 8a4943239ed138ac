"""Checks of the chapter deep_linear/fibres, on integer networks where possible."""
