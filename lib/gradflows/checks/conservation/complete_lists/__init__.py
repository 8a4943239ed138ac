"""Checks of the chapter conservation/complete_lists: two layers, ReLUs, depth, bottlenecks."""
