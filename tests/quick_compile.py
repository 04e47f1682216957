"""For tests whose processes compile everything anew and run it for seconds only."""

XLA_FLAGS = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
