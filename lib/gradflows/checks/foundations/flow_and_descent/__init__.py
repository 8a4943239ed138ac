"""Checks of the chapter foundations/flow_and_descent: what a drawn flow may be trusted for."""
