"""Checks of the statements of output_space/two_spaces."""
