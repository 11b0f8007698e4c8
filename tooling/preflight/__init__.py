"""Asks an AWS account, before a deployment costs money, whether the deployment would work and what would bind first."""
