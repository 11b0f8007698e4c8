"""The bodies of all answers as models, by family. The served OpenAPI document is generated from the same models.

To add a field, declare it in its model and fill it in that model's `of`. mypy refuses a field that `of` omits;
`make openapi` adds it to the document. Only functions that answer with a family import it.
"""
