"""The stack as plain processes under supervisord: no Docker, no privilege."""
