"""The one error of this room."""


class ParityError(ValueError):
    """Two models are not equal, or cannot be made equal; the message says where and what to do."""
