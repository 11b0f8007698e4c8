"""Steps up to and including the paid request: the reference, the provider's queue, the claim and the POST."""
