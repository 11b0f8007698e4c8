"""The operator's command line, for a cloud on this machine or a stack on AWS."""
