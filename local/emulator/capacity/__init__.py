"""What DynamoDB would bill for each call."""
