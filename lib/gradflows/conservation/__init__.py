"""Conservation laws: what they are, how to find them, how to prove that there are no others."""

__all__ = []
