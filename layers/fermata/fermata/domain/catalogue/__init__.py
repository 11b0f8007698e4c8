"""The models on offer: inputs, price, latency, and the schedule of polls."""
