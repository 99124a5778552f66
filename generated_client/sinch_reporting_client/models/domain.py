from enum import StrEnum


class Domain(StrEnum):
    DATA = "data"
    PSTN = "pstn"

    def __str__(self) -> str:
        return str(self.value)
