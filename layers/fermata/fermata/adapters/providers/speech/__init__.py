"""The dialects of models that speak."""
