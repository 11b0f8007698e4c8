"""What the use cases need from outside, as small protocols by family. Each has an adapter for AWS or HTTP, and a fake
that the same contract tests hold to the same promises.
"""
