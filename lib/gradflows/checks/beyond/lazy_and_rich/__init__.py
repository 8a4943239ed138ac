"""Checks of the chapter beyond/lazy_and_rich: what scale and imbalance of the start decide."""
