#!/bin/bash
# Trains on two nodes with four GPUs each: sbatch examples/slurm.sh
# Two minutes before the time is over the job is told, saves its epoch, and queues itself again;
# the same command then continues. The directories must be on a file system that all nodes share.
#SBATCH --job-name=kdiffe
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=16
#SBATCH --time=04:00:00
#SBATCH --signal=TERM@120
#SBATCH --open-mode=append
#SBATCH --requeue
set -u

. .venv/bin/activate
srun python -m launch.main --flagfile=launch/tiktok.flags --workdir=runs/tiktok \
  --coordinator=cluster --mesh=data:8
status=$?

if [ "$status" -eq 143 ]; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
