"""Checks of the chapter deep_linear/matrix_flow: the flow of the adjacency matrix, and its laws."""
