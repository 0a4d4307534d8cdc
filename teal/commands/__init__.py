"""One module for each command: its docstring is its help, `run` does it and returns the code.

A command is found by its file, and imported when it is called: `slack_test.py` is `slack-test`.
Each has `add_arguments(parser)`, and `IS_EXCLUSIVE = True` if it changes the stack.
"""
