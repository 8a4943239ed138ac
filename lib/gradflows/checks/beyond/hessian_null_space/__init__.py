"""Checks of the chapter beyond/hessian_null_space, in integers where the activation allows it."""
