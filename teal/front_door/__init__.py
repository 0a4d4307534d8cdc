"""nginx as a plain process, which never lets go of its listening sockets.

Standard library only: it must be back in a blink.
"""

from teal.front_door.door import main

__all__ = ["main"]
