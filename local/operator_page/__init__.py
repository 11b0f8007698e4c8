"""The operator's page of the one-machine cloud: providers, faults, executions, tables, objects and logs."""
