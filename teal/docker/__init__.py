"""The stack as the containers of compose.yml."""
