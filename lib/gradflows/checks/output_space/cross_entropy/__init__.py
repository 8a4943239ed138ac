"""Checks of the chapter output_space/cross_entropy: fibres, minimisers, and infinity."""
