"""Checks of arguments that more than one module of this room makes."""

import operator


def whole(name, value, least=1):
    """`value` as an int if it is a whole number of at least `least`, else a ValueError."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise ValueError(f"{name} is {value!r}; give a whole number of {least} or more.")
    return number
