"""How jobs end, and what follows an end that left a paid song undelivered."""
