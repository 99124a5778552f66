"""Default transports: httpx's own, over pools whose connections enforce the deadline of an attempt."""


class Deadline(float):
    """A timeout in seconds that also knows the time at which it expires.

    httpcore passes a timeout to each read unchanged, so that a server that sends single bytes could hold a call
    forever. Our connections use `at`; other transports use the number.
    """

    at: float
