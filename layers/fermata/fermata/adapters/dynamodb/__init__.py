"""Stores in one DynamoDB table, by family; items and transactions are shared."""
