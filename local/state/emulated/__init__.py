"""What moto holds, service by service: how it is kept and how it comes back."""
