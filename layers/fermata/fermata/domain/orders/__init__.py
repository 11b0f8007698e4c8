"""What a caller asks for: the request, its references, its deadlines, and the models that may serve it."""
