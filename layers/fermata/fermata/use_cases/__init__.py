"""The use cases, one function each. Each takes its ports as arguments and depends on neither AWS nor HTTP."""
