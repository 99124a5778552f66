from enum import StrEnum


class EndpointType(StrEnum):
    NUMBER = "number"
    USERNAME = "username"

    def __str__(self) -> str:
        return str(self.value)
