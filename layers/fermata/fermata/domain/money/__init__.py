"""Wallets and ledgers, usage, and what a provider's bill says about paid calls."""
