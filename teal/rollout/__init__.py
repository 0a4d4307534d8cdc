"""Renewing the pools one at a time, without losing a request."""
