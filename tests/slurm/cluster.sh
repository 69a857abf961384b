#!/bin/sh
# A Slurm of its own on this machine alone, without touching the system's: controller, one node,
# munge, all under one folder. Needs root and Debian's packages slurm-wlm and munge.
#   cluster.sh start DIR    starts it and waits until it takes jobs; then SLURM_CONF=DIR/slurm.conf
#   cluster.sh stop DIR     ends it, by the process ids that it wrote down
set -eu
dir=$2

# Waits up to 20 s for a command to succeed.
await() {
  for _ in $(seq 100); do
    "$@" >/dev/null 2>&1 && return
    sleep 0.2
  done
  echo "cluster.sh: no success in 20 s: $*" >&2
  exit 1
}

start() {
  mkdir -p "$dir/state" "$dir/spool" "$dir/munge"
  chmod 755 "$dir" "$dir/munge"
  host=$(hostname -s)
  # Sizes as slurmd sees them, else it drains the node.
  node=$(slurmd -C | sed -n 's/^NodeName=[^ ]* //p' | sed 's/UpTime=.*//')
  cat >"$dir/slurm.conf" <<CONF
ClusterName=dynae-test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=26817
SlurmdPort=26818
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
SchedulerParameters=defer,sched_interval=1,sched_min_interval=0
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
NodeName=$host NodeAddr=127.0.0.1 $node State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
  head -c 1024 /dev/urandom >"$dir/munge/key"
  chmod 400 "$dir/munge/key"
  munged --force --num-threads=2 --key-file="$dir/munge/key" --socket="$dir/munge/socket" \
    --pid-file="$dir/munged.pid" --log-file="$dir/munged.log" --seed-file="$dir/munge/seed" >"$dir/start.log" 2>&1
  export SLURM_CONF="$dir/slurm.conf"
  # Into a file: what a daemon inherits it keeps open, and a caller would wait for a pipe's end.
  slurmctld >>"$dir/start.log" 2>&1
  slurmd >>"$dir/start.log" 2>&1
  await sh -c 'sinfo --noheader --format=%t | grep -q "^idle$"'
}

stop() {
  for name in slurmd slurmctld munged; do
    [ -s "$dir/$name.pid" ] || continue
    pid=$(cat "$dir/$name.pid")
    kill "$pid" 2>/dev/null || continue
    await sh -c "! kill -0 $pid"
  done
}

"$1"
