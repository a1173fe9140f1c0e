"""Values of a statement that is put together from conditions."""

from typing import Any


class Parameters(list[Any]):
    """The values in their order, beginning with those that the statement has anyway."""

    def __init__(self, *first: Any) -> None:
        super().__init__(first)

    def place(self, value: Any) -> str:
        """Add a value, and give what stands for it in the text."""
        self.append(value)
        return f"${len(self)}"
