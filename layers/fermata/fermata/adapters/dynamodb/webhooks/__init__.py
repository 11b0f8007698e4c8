"""Webhook endpoints, their secrets and deliveries."""
