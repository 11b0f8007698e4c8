"""Up to the paid request: the reference, the turn at the provider, the claim and the POST."""
