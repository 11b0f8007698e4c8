"""The HTTP API on one machine: routes, authorizers and cross-origin rules over plain HTTP."""
