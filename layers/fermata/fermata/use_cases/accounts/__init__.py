"""What a tenant may do, used, and has left."""
