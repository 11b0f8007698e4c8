"""Simulated music providers: HTTP servers in each upstream's dialect, with faults on request and a bill."""

from local.simulators.running import SIMULATED_PROVIDERS, RunningSimulator, UnknownSimulatorError, start_simulator

__all__ = ["SIMULATED_PROVIDERS", "RunningSimulator", "UnknownSimulatorError", "start_simulator"]
