"""What tenants and the operator read of money: ledgers, usage and spending."""
