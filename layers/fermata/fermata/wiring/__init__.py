"""Puts adapters behind ports, once per execution environment. Imports sit inside the functions so that none pays for
what it does not use.
"""
