"""What is wrong with a file a person or an agent wrote.

An error carries fields, not prose: it is put into words here once, and shown as it is at the edge.
"""

from __future__ import annotations

SHOWN = 20


class ConfigError(ValueError):
    """Something that was written cannot be used; nothing of it was applied.

    `file` is the name as the user knows it, `line` counts from 1 (None: not known), `place` is the task or table,
    `field` the key in it, `reason` what is wrong, `way_out` what to write instead. `also` are further errors of the
    same reading, in the order of the file.
    """

    def __init__(
        self,
        reason: str,
        *,
        file: str = "",
        line: int | None = None,
        place: str = "",
        field: str = "",
        way_out: str = "",
        also: tuple[ConfigError, ...] = (),
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.file = file
        self.line = line
        self.place = place
        self.field = field
        self.way_out = way_out
        self.also = also

    @property
    def complaint(self) -> str:
        """What is wrong and where, on one line: `plan.toml:12: task "parse": field "aftr": unknown`."""
        where = f"{self.file}:{self.line}" if self.file and self.line else self.file
        field = f'field "{self.field}"' if self.field else ""
        return ": ".join(part for part in (where, self.place, field, self.reason) if part)

    @property
    def message(self) -> str:
        """The complaint with the way out."""
        return f"{self.complaint}; {self.way_out}" if self.way_out else self.complaint

    def __str__(self) -> str:
        lines = [self.message, *(error.message for error in self.also[: SHOWN - 1])]
        hidden = len(self.also) - (SHOWN - 1)
        if hidden > 0:
            lines.append(f"and {hidden} more")
        return "\n".join(lines)


class NoConfig(ConfigError):
    """The repository has no `quarterdeck.toml`."""


def together(errors: list[ConfigError]) -> ConfigError:
    """One error to raise for all of them: the first of the file, which carries the others. `errors` is not empty."""
    first, *rest = sorted(errors, key=lambda error: error.line or 0)
    first.also = tuple(rest)
    return first
