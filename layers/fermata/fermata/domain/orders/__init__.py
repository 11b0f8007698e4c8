"""Orders: the request, its reference, its deadline, and the models that may serve it."""
