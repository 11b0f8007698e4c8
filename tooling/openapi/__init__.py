"""The OpenAPI document: written from the models that validate requests, the table of operations and the error tree."""
