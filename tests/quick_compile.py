"""Tests compile everything anew and run it for seconds only: XLA need not optimise.

`XLA_FLAGS= make test` compiles as a user's run does.
"""

XLA_FLAGS = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
