"""Job records and the indexes over them."""
