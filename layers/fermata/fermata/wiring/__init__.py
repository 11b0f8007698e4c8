"""Connects adapters to ports, once per execution environment. Imports sit inside the functions, so that a Lambda
function imports only the modules that it uses.
"""
