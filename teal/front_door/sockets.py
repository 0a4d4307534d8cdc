"""The listening sockets: opened here, copied from an nginx that serves, handed to the next one."""

import os
import socket
from collections.abc import Collection, Iterable, Sequence

from teal.front_door.configuration import Address
from teal.processes import nginx_processes
from teal.processes.nginx_processes import NginxProcess

BACKLOG = 511


class Sockets:
    """The sockets that are held, by address."""

    def __init__(self) -> None:
        self._held: dict[Address, socket.socket] = {}

    def __bool__(self) -> bool:
        return bool(self._held)

    def are(self, wanted: Collection[Address]) -> bool:
        """Whether exactly these addresses are held."""
        return set(wanted) == set(self._held)

    def copy(self, processes: Iterable[NginxProcess], wanted: Sequence[Address]) -> None:
        """Hold copies of what these processes listen at, if that is all that is wanted.

        If it is not, none is held: then nginx opens them itself, as if we were not there.
        """
        copied: dict[Address, socket.socket] = {}
        for process in processes:
            for descriptor in nginx_processes.listening(process.pid):
                found = nginx_processes.copy_socket(process.pid, descriptor)
                if found is not None and _address(found) not in copied:
                    copied[_address(found)] = found
        kept = set() if set(wanted) - set(copied) else set(wanted)
        self._held = {at: found for at, found in copied.items() if at in kept}
        for address, unwanted in copied.items():
            if address not in kept:
                unwanted.close()

    def open(self, wanted: Sequence[Address]) -> None:
        """Open those that are wanted and not held, close the others.

        Raises OSError with the address, and then nothing has changed.
        """
        opened: dict[Address, socket.socket] = {}
        try:
            for address in wanted:
                if address not in self._held:
                    opened[address] = _listen(address)
        except OSError:
            for found in opened.values():
                found.close()
            raise
        self._held.update(opened)
        for address in set(self._held) - set(wanted):
            self._held.pop(address).close()

    def handed_over(self) -> str:
        """Let a child inherit them; return what nginx's variable NGINX tells it of them."""
        handed = [found.fileno() for found in self._held.values()]
        for descriptor in handed:
            os.set_inheritable(descriptor, True)
        return "".join(f"{descriptor};" for descriptor in handed)

    def close(self) -> None:
        """Let go of all."""
        for found in self._held.values():
            found.close()


# Private


def _listen(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    found = socket.socket(family)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        found.bind(address)
        found.listen(BACKLOG)
    except OSError as error:
        found.close()
        raise OSError(error.errno, f"{address[0]}:{address[1]}: {error.strerror}") from error
    # Workers share it: with a blocking one, all but the first to accept would hang.
    found.setblocking(False)
    return found


def _address(found: socket.socket) -> Address:
    name = found.getsockname()
    return (name[0], name[1]) if isinstance(name, tuple) else (str(name), 0)
