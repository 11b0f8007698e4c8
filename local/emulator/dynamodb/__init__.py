"""What the cloud replaces in moto's DynamoDB."""
