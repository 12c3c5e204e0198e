"""Experiments: where names become environments and methods.

run         train, load, evaluate
parameters  Table 6: how large the critics are
doctor      what is installed
"""
