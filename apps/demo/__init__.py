"""The demo application: what runs in each pool, and can be broken on purpose."""
