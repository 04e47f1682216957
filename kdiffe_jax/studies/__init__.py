"""Many runs at once: sweeps and studies, from a plan to tables and figures."""
