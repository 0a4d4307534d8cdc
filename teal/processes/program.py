"""What the supervisor has to know of one process."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Program:
    """One process under the supervisor."""

    name: str
    command: list[str]
    directory: Path
    environment: dict[str, str] = field(default_factory=dict)
    # What asks it to stop gracefully, and how long that may take.
    stop_signal: str = "TERM"
    stop_seconds: int = 10
