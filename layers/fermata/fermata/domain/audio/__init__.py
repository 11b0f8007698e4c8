"""Audio containers, and finding audio in a provider's answer."""
