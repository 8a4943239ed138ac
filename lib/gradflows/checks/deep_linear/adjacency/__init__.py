"""Checks of the chapter deep_linear/adjacency: powers, walks, paths, eigenvalues, data."""
