"""The bodies of all answers as models, by family: they make the bodies, and the served document describes them.

A field is added in one place, its model: declare it, and fill it in that model's `of`. mypy refuses a field that `of`
forgets; `make openapi` puts it into the document. Each family is imported by the functions that answer with it alone.
"""
