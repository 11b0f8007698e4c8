"""What Fermata does, one function per name; each takes its ports as arguments and knows neither AWS nor HTTP."""
