"""Checks of the chapter deep_linear/rates: how fast the loss of a linear network falls."""
