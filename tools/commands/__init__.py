"""One module for each command of `python3 -m tools`, as in `teal.commands`."""
