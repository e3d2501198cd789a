"""Builds and starts the local test hosts."""
