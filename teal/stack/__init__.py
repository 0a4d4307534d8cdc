"""What a stack is, whichever way it runs: its components, folders, ports and configurations."""
