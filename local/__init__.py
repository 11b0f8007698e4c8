"""The one-machine cloud: runs the shipped template, handlers and state machine on a laptop.

Imported by nothing that deploys.
"""
