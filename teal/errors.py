"""What the commands tell a user in one line, without a traceback. Standard library only."""

# The exit code after Ctrl-C, as shells have it: 128 and the number of SIGINT.
INTERRUPTED = 130


class TealError(Exception):
    """Something cannot be done; the text is one line that says what, why and what to do."""


class SetupError(TealError):
    """What a command needs cannot be had."""


class SettingsError(TealError):
    """The settings cannot be used; the text names the setting."""


class RuntimeFailedError(TealError):
    """The stack could not be made to do something."""


class WaitedTooLongError(TealError):
    """A wait reached its limit; the text says what was waited for."""
