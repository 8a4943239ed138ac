"""Checks of the chapter beyond/large_steps: who converges, the edge, and the wear of imbalance."""
